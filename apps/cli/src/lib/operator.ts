import type { CommonConfig } from '@umbra/platform/config';
import { consultKnownStore } from '@umbra/platform/redis/known-store';
import { openStore } from '@umbra/platform/store/open-store';
import type { ObjectStore } from '@umbra/platform/store/store';
import { readOperatorConfig } from './config.js';

/**
 * The store of the installation that the environment names, for the commands of its operator. Where
 * Redis answers, it is the store that Redis knows.
 */
export const openOperatorStore = (config: CommonConfig = readOperatorConfig()): ObjectStore =>
  openStore(config, consultKnownStore(config.REDIS_URL));
