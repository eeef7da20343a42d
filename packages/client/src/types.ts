import type { components, operations } from './generated/api.js';

type Schemas = components['schemas'];

export type Dataset = Schemas['Dataset'];
export type Job = Schemas['Job'];
export type JobRequest = Lenient<Schemas['JobRequest']>;
export type JobEstimate = Schemas['JobEstimate'];
export type JobState = Schemas['JobState'];
export type Settings = Schemas['Settings'];
export type SettingsInput = Lenient<Schemas['SettingsInput']>;
export type ImageResult = Schemas['ImageResult'];
export type Model = Schemas['Model'];
/** A dataset, and the files that were not accepted into it. */
export type NewDataset =
  operations['createDataset']['responses'][201]['content']['application/json'];

/** What JSON makes the same of: fields that are there as undefined, and arrays that may not change. */
type Lenient<T> = T extends readonly (infer E)[]
  ? readonly Lenient<E>[]
  : T extends object
    ? { readonly [K in keyof T]: Lenient<T[K]> | (object extends Pick<T, K> ? undefined : never) }
    : T;
