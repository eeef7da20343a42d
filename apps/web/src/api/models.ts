import type { ListedModel } from '@umbra/shared/contracts/model';
import type { WorkerNotice } from '@umbra/shared/contracts/worker';
import { askJson } from './http.js';

export type { ListedModel, WorkerNotice };

export const listModels = async (signal?: AbortSignal): Promise<readonly ListedModel[]> =>
  (await askJson<{ data: ListedModel[] }>('/v1/models', signal && { signal })).data;

export const listWorkers = async (signal?: AbortSignal): Promise<readonly WorkerNotice[]> =>
  (await askJson<{ data: WorkerNotice[] }>('/v1/workers', signal && { signal })).data;
