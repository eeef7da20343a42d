import type { components, operations } from './generated/api.js';

type Schemas = components['schemas'];

// Records as the OpenAPI document has them; index.ts exports them without the prefix, which sets them
// apart from the service's own records.

export type ApiDataset = Schemas['Dataset'];
export type ApiJob = Schemas['Job'];
export type ApiJobRequest = Lenient<Schemas['JobRequest']>;
export type ApiJobEstimate = Schemas['JobEstimate'];
export type ApiJobState = Schemas['JobState'];
export type ApiSettings = Schemas['Settings'];
export type ApiSettingsInput = Lenient<Schemas['SettingsInput']>;
export type ApiImageResult = Schemas['ImageResult'];
export type ApiModel = Schemas['Model'];
export type ApiModelDetail = Schemas['ModelDetail'];
export type ApiReport = Schemas['JobReport'];
export type ApiReportStatus = Schemas['ReportStatus'];
export type ApiReportOptions = Lenient<Schemas['ReportOptionsInput']>;
export type ApiReportDifference = Schemas['ReportDifference'];
export type ApiTrial = Schemas['Trial'];
export type ApiTrialOptions = Lenient<Schemas['TrialOptionsInput']>;
export type ApiIdentity = Schemas['Identity'];
/** What an ONNX file does not say of itself. */
export type ApiModelUpload = Lenient<
  operations['uploadModel']['requestBody']['content']['multipart/form-data']['description']
>;
/** A dataset, and the files that were not accepted into it. */
export type NewDataset =
  operations['createDataset']['responses'][201]['content']['application/json'];
/** A job as the answer to its creation has it, with its warnings and its webhook's new secret. */
export type NewJob = operations['createJob']['responses'][202]['content']['application/json'];

/** What JSON makes the same of: fields that are there as undefined, and arrays that may not change. */
type Lenient<T> = T extends readonly (infer E)[]
  ? readonly Lenient<E>[]
  : T extends object
    ? { readonly [K in keyof T]: Lenient<T[K]> | (object extends Pick<T, K> ? undefined : never) }
    : T;
