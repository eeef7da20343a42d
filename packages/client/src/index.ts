export { type ClientOptions, createUmbraClient, type UmbraClient } from './client.js';
export { followEvents, readEvents, type ServerEvent } from './events.js';
export { type Problem, UmbraError } from './problem.js';
export type {
  Dataset,
  ImageResult,
  Job,
  JobEstimate,
  JobRequest,
  JobState,
  Model,
  NewDataset,
  Settings,
  SettingsInput,
} from './types.js';
export { isEnded, type WaitOptions } from './wait-for-job.js';
