import { createWriteStream, openAsBlob } from 'node:fs';
import { basename } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import {
  AppError,
  type Dataset,
  type ErrorCode,
  errorCodes,
  isFinal,
  type JobStatus,
  type OcclusionSettings,
  type Refusal,
  unavailable,
} from '@umbra/shared';

export type SubmittedDataset = Dataset & { readonly refusals: readonly Refusal[] };

/** The service's HTTP interface as functions. A problem document becomes an `AppError`. */
export type Client = {
  uploadPhotos(paths: readonly string[]): Promise<SubmittedDataset>;
  submitJob(request: {
    dataset: string;
    model: string;
    settings: OcclusionSettings;
    rowsPerShard?: number;
  }): Promise<JobStatus>;
  /** Poll until the job is final. */
  waitForJob(id: string, onStatus: (status: JobStatus) => void): Promise<JobStatus>;
  cancelJob(id: string): Promise<JobStatus>;
  downloadArchive(id: string, path: string): Promise<void>;
};

const pollMs = 200;

export function createClient(baseUrl: string): Client {
  const request = async (path: string, init?: RequestInit): Promise<Response> => {
    const response = await fetch(new URL(path, baseUrl), init).catch((error: unknown) => {
      throw unavailable(`Expected Umbra's API at ${baseUrl}, got no answer`, error);
    });
    if (!response.ok) throw await problemOf(response);
    return response;
  };
  const getJob = async (id: string) =>
    (await request(`/v1/jobs/${id}`)).json() as Promise<JobStatus>;

  return {
    async uploadPhotos(paths) {
      const form = new FormData();
      for (const path of paths) form.append('images', await openAsBlob(path), basename(path));
      const response = await request('/v1/datasets', { method: 'POST', body: form });
      return (await response.json()) as SubmittedDataset;
    },
    async submitJob(job) {
      const response = await request('/v1/jobs', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(job),
      });
      return (await response.json()) as JobStatus;
    },
    async waitForJob(id, onStatus) {
      for (;;) {
        const status = await getJob(id);
        onStatus(status);
        if (isFinal(status.state)) return status;
        await new Promise((resolve) => setTimeout(resolve, pollMs));
      }
    },
    async cancelJob(id) {
      const response = await request(`/v1/jobs/${id}/cancel`, { method: 'POST' });
      return (await response.json()) as JobStatus;
    },
    async downloadArchive(id, path) {
      const { body } = await request(`/v1/jobs/${id}/archive`);
      if (body === null)
        throw new AppError('internal', `Expected an archive of job ${id}, got none`);
      await pipeline(Readable.fromWeb(body as ReadableStream), createWriteStream(path));
    },
  };
}

async function problemOf(response: Response): Promise<AppError> {
  const problem = (await response.json().catch(() => ({}))) as {
    code?: string;
    title?: string;
    detail?: string;
  };
  const code = Object.hasOwn(errorCodes, problem.code ?? '') ? problem.code : 'internal';
  const message = problem.detail ?? problem.title ?? `HTTP ${response.status}`;
  return new AppError(code as ErrorCode, message);
}
