export { type ClientOptions, createUmbraClient, type UmbraClient } from './client.js';
export { followEvents, readEvents, type ServerEvent } from './events.js';
export { type Problem, UmbraError } from './problem.js';
export type {
  ApiDataset as Dataset,
  ApiIdentity as Identity,
  ApiImageResult as ImageResult,
  ApiJob as Job,
  ApiJobEstimate as JobEstimate,
  ApiJobRequest as JobRequest,
  ApiJobState as JobState,
  ApiModel as Model,
  ApiModelDetail as ModelDetail,
  ApiModelUpload as ModelUpload,
  ApiSettings as Settings,
  ApiSettingsInput as SettingsInput,
  NewDataset,
  NewJob,
} from './types.js';
export { isEnded, type WaitOptions } from './wait-for-job.js';
