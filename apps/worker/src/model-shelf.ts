import { type Engine, type ModelInput, type OpenModel, prepareImage } from '@umbra/engine';
import { fetchModel, type ObjectStore } from '@umbra/shared';

type ModelName = { readonly name: string; readonly digest: string };

/** Models and prepared images that stay loaded between shards. */
export type ModelShelf = {
  open(model: ModelName): Promise<OpenModel>;
  /** Shards of one image follow each other, so the last few images are kept. */
  prepare(sha256: string, model: OpenModel, read: () => Promise<Buffer>): Promise<ModelInput>;
};

const keptImages = 4;

export function createModelShelf(
  store: ObjectStore,
  engine: Engine,
  cacheFolder: string,
): ModelShelf {
  const fetched = new Map<string, Promise<string>>();
  const prepared = new Map<string, Promise<ModelInput>>();
  return {
    async open({ name, digest }) {
      const folder = fetched.get(digest) ?? fetchModel(store, name, digest, cacheFolder);
      fetched.set(digest, folder);
      folder.catch(() => fetched.delete(digest));
      return engine.open(await folder);
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
