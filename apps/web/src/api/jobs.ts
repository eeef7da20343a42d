import type { JobEstimate, JobState, JobStatus } from '@umbra/shared/contracts/job';
import type { ImageState, ImageStatus } from '@umbra/shared/contracts/result';
import type { OcclusionSettingsInput } from '@umbra/shared/contracts/settings';
import { askJson, post, queryOf } from './http.js';
import type { ListPage } from './page.js';

export type { ImageState, ImageStatus, JobEstimate, JobState, JobStatus };

/** What a job is asked for; what is left out has the service's defaults. */
export type JobWish = {
  readonly dataset: string;
  readonly model: string;
  readonly settings: OcclusionSettingsInput;
};

const finalStates: readonly JobState[] = ['completed', 'failed', 'cancelled', 'expired'];
export const isEnded = ({ state }: Pick<JobStatus, 'state'>): boolean =>
  finalStates.includes(state);

/** As many as a page of the list may have. */
const maxListed = 100;

/** List the newest jobs, the newest first. */
export async function listJobs(signal?: AbortSignal): Promise<readonly JobStatus[]> {
  const path = `/v1/jobs${queryOf({ order: 'newest', limit: maxListed })}`;
  const { data } = await askJson<ListPage<JobStatus>>(path, signal && { signal });
  return data.filter(({ interactive }) => !interactive);
}

export const getJob = (id: string, signal?: AbortSignal): Promise<JobStatus> =>
  askJson<JobStatus>(`/v1/jobs/${id}`, signal && { signal });

/** Few rows in a shard of a photo that somebody waits for, so that the first of them are there soon. */
const rowsPerShard = 2;

/** Make a job of a dataset with so many images. */
export const createJob = (job: JobWish, images: number): Promise<JobStatus> =>
  askJson<JobStatus>('/v1/jobs', post(images === 1 ? { ...job, rowsPerShard } : job));

/** What a job would take, without making it. */
export const estimateJob = (job: JobWish, signal?: AbortSignal): Promise<JobEstimate> =>
  askJson<JobEstimate>('/v1/jobs?dryRun=true', { ...post(job), ...(signal && { signal }) });

export type JobAction = 'pause' | 'resume' | 'cancel' | 'retry';
export const controlJob = (id: string, action: JobAction): Promise<JobStatus> =>
  askJson<JobStatus>(`/v1/jobs/${id}/${action}`, post());

/** A page of a job's images, in the order of the dataset. */
export const listImages = (
  job: string,
  query: { readonly limit: number; readonly cursor?: string; readonly state?: ImageState },
  signal?: AbortSignal,
): Promise<ListPage<ImageStatus>> =>
  askJson(`/v1/jobs/${job}/images${queryOf(query)}`, signal && { signal });
