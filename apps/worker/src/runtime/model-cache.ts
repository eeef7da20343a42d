import { type Engine, type ModelInput, type OpenModel, prepareImage } from '@umbra/engine';
import { keys } from '@umbra/platform/store/keys';
import { describeModel, fetchModel } from '@umbra/platform/store/models';
import type { ObjectStore } from '@umbra/platform/store/store';
import type { ModelBundle } from '@umbra/shared/contracts/model';
import { z } from 'zod';

type ModelName = { readonly name: string; readonly digest: string };

/** Models and prepared images that stay loaded between shards. */
export type ModelCache = {
  open(model: ModelName): Promise<OpenModel>;
  /** What a merge needs of a model, which it need not be able to run. */
  describe(model: ModelName): Promise<DescribedModel>;
  /** Shards of one image follow each other, so the last few images are kept. */
  prepare(sha256: string, model: OpenModel, read: () => Promise<Buffer>): Promise<ModelInput>;
};

export type DescribedModel = {
  readonly bundle: ModelBundle;
  readonly digest: string;
  /** Empty where the bundle has none. */
  readonly labels: readonly string[];
};

const keptImages = 4;

export function createModelCache(
  store: ObjectStore,
  engine: Engine,
  cacheFolder: string,
): ModelCache {
  const fetched = new Map<string, Promise<string>>();
  const described = new Map<string, Promise<DescribedModel>>();
  const prepared = new Map<string, Promise<ModelInput>>();
  return {
    async open({ name, digest }) {
      const folder = fetched.get(digest) ?? fetchModel(store, name, digest, cacheFolder);
      fetched.set(digest, folder);
      folder.catch(() => fetched.delete(digest));
      return engine.open(await folder);
    },
    describe({ name, digest }) {
      const model = described.get(digest) ?? describeStored(store, name, digest);
      described.set(digest, model);
      model.catch(() => described.delete(digest));
      return model;
    },
    prepare(sha256, model, read) {
      const key = `${sha256} ${model.digest}`;
      const input =
        prepared.get(key) ?? read().then((bytes) => prepareImage(bytes, model.bundle.input));
      // Taken out and put back, so that the map's order is that of last use.
      prepared.delete(key);
      prepared.set(key, input);
      input.catch(() => prepared.delete(key));
      for (const oldest of [...prepared.keys()].slice(0, -keptImages)) prepared.delete(oldest);
      return input;
    },
  };
}

async function describeStored(
  store: ObjectStore,
  name: string,
  digest: string,
): Promise<DescribedModel> {
  const bundle = await describeModel(store, name, digest);
  if (bundle.labels === undefined) return { bundle, digest, labels: [] };
  const text = await store.get(keys.modelFile(name, digest, bundle.labels));
  return { bundle, digest, labels: z.array(z.string()).parse(JSON.parse(text.toString())) };
}
