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
  ApiReport as JobReport,
  ApiReportDifference as ReportDifference,
  ApiReportOptions as ReportOptions,
  ApiReportStatus as ReportStatus,
  ApiSettings as Settings,
  ApiSettingsInput as SettingsInput,
  ApiTrial as Trial,
  ApiTrialOptions as TrialOptions,
  NewDataset,
  NewJob,
} from './types.js';
export { isEnded, isOver, type WaitOptions } from './wait-until.js';
