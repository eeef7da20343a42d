import {
  type Engine,
  type ImageLimits,
  type ModelInput,
  type OpenModel,
  prepareImage,
} from '@umbra/engine';
import type { ModelDisk } from '@umbra/platform/store/model-disk';
import { readModel } from '@umbra/platform/store/models';
import type { ObjectStore } from '@umbra/platform/store/store';
import { createLoadingCache } from '@umbra/shared/cache';
import type { ModelBundle } from '@umbra/shared/contracts/model';
import type { ModelReference } from '@umbra/shared/contracts/reference';
import type { WorkerMetrics } from '../observability/worker-metrics.js';

/** Models and prepared images that stay loaded between shards. A digest is the same bytes, whoever has them. */
export type ModelCache = {
  open(model: ModelReference): Promise<OpenModel>;
  /** Describe a model to a merge, which need not be able to run it. */
  describe(model: ModelReference): Promise<DescribedModel>;
  /** Prepare an image; the last few are kept, since shards of one image follow each other. */
  prepare(sha256: string, model: OpenModel, read: () => Promise<Buffer>): Promise<ModelInput>;
};

export type DescribedModel = {
  readonly bundle: ModelBundle;
  readonly digest: string;
  /** Empty where the bundle has none. */
  readonly labels: readonly string[];
};

export type ModelCacheOptions = {
  readonly store: ObjectStore;
  readonly engine: Engine;
  readonly disk: ModelDisk;
  readonly metrics: Pick<WorkerMetrics, 'recordLookup'>;
  /** What photos are held to. */
  readonly limits: ImageLimits;
};

const maxModels = 256;
const maxPreparedImages = 4;

export function createModelCache(options: ModelCacheOptions): ModelCache {
  const { store, engine, disk, metrics, limits } = options;
  const described = createLoadingCache<DescribedModel>({ maxEntries: maxModels });
  const prepared = createLoadingCache<ModelInput>({ maxEntries: maxPreparedImages });
  return {
    // The disk is asked each time: it keeps what is in use.
    open: async (model) => engine.open(await disk.get(model)),
    describe: (model) => described.load(model.digest, () => describeStored(store, model)),
    prepare(sha256, model, read) {
      let result: 'hit' | 'miss' = 'hit';
      const input = prepared.load(`${sha256} ${model.digest}`, async () => {
        result = 'miss';
        return prepareImage(await read(), model.bundle.input, limits);
      });
      metrics.recordLookup(result);
      return input;
    },
  };
}

async function describeStored(store: ObjectStore, model: ModelReference): Promise<DescribedModel> {
  const { bundle, classNames } = await readModel(store, model);
  return { bundle, digest: model.digest, labels: classNames ?? [] };
}
