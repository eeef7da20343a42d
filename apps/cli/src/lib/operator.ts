import { openStore } from '@umbra/platform/store/open-store';
import type { ObjectStore } from '@umbra/platform/store/store';
import { readOperatorConfig } from './config.js';

/** The store of the installation that the environment names, for the commands of its operator. */
export const openOperatorStore = (): ObjectStore => openStore(readOperatorConfig());
