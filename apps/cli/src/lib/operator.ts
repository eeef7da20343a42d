import { commonConfig, readConfig } from '@umbra/platform/config';
import { openStore } from '@umbra/platform/store/open-store';
import type { ObjectStore } from '@umbra/platform/store/store';

/** The store of the installation that the environment names, for the commands of its operator. */
export const openOperatorStore = (): ObjectStore =>
  openStore(readConfig(commonConfig, process.env));
