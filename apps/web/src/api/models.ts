import type { Layer, LayerList } from '@umbra/shared/contracts/layer';
import type { ListedModel, ModelDetail } from '@umbra/shared/contracts/model';
import type { QueuedJob, QueueReport } from '@umbra/shared/contracts/queue';
import type { ListedWorker, RunningWork } from '@umbra/shared/contracts/worker';
import { askJson, post, queryOf } from './http.js';

export type {
  Layer,
  LayerList,
  ListedModel,
  ListedWorker,
  ModelDetail,
  QueuedJob,
  QueueReport,
  RunningWork,
};

export const listModels = async (signal?: AbortSignal): Promise<readonly ListedModel[]> =>
  (await askJson<{ data: ListedModel[] }>('/v1/models', signal && { signal })).data;

const modelPath = (name: string): string => `/v1/models/${encodeURIComponent(name)}`;

export const getModel = (name: string, signal?: AbortSignal): Promise<ModelDetail> =>
  askJson(modelPath(name), signal && { signal });

/** Run a model again that was set aside. */
export const retryModel = (name: string): Promise<ListedModel> =>
  askJson(`${modelPath(name)}/retry`, post());

/** @param size Extent of the input, `HEIGHTxWIDTH` px; the model's own where undefined. */
export const listLayers = (
  name: string,
  size: string | undefined,
  signal?: AbortSignal,
): Promise<LayerList> =>
  askJson(`${modelPath(name)}/layers${queryOf({ size })}`, signal && { signal });

/** How a layer's filters are drawn; what is left out has the service's defaults. */
export type FilterWish = {
  readonly mode: 'rgb' | 'channels' | 'collated';
  readonly scale: 'layer' | 'own';
  readonly page: number;
  /** Side of a weight, px. */
  readonly cell: number | undefined;
};

const layerPath = (model: string, layer: string): string =>
  `${modelPath(model)}/layers/${encodeURIComponent(layer)}`;

export const filtersPath = (model: string, layer: string, wish: FilterWish): string =>
  `${layerPath(model, layer)}/filters.png${queryOf(wish)}`;

export const filterArrayPath = (model: string, layer: string): string =>
  `${layerPath(model, layer)}/filters.npy`;

export const listWorkers = async (signal?: AbortSignal): Promise<readonly ListedWorker[]> =>
  (await askJson<{ data: ListedWorker[] }>('/v1/workers', signal && { signal })).data;

export const getQueue = (signal?: AbortSignal): Promise<QueueReport> =>
  askJson('/v1/queue', signal && { signal });
