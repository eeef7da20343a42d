import { commonConfig, type ObjectStore, openStore, readConfig } from '@umbra/shared';

/** The store of the installation that the environment names, for the commands of its operator. */
export const openOperatorStore = (): ObjectStore =>
  openStore(readConfig(commonConfig, process.env));
