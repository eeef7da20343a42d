import { fetchModel } from '@umbra/platform/store/models';
import type { ObjectStore } from '@umbra/platform/store/store';
import { untilAborted } from '../http/until-aborted.js';

type Model = { readonly name: string; readonly digest: string };

/** Folders of this machine that have a stored model's files. */
export type ModelFolders = {
  /**
   * Fetch a model, once for all who ask meanwhile; what was begun goes on where they leave, so that the next one finds it.
   *
   * @throws {AppError} As `fetchModel`; the signal's reason.
   */
  get(model: Model, signal: AbortSignal): Promise<string>;
};

/** @param cacheFolder Folder on this machine that models are fetched to. */
export function createModelFolders(store: ObjectStore, cacheFolder: string): ModelFolders {
  const fetching = new Map<string, Promise<string>>();
  const begin = ({ name, digest }: Model): Promise<string> => {
    const key = `${name}/${digest}`;
    const begun = fetchModel(store, name, digest, cacheFolder).finally(() => fetching.delete(key));
    // Nobody may be left to hear of its failure.
    begun.catch(() => undefined);
    fetching.set(key, begun);
    return begun;
  };
  return {
    async get(model, signal) {
      signal.throwIfAborted();
      const running = fetching.get(`${model.name}/${model.digest}`) ?? begin(model);
      return untilAborted(running, signal);
    },
  };
}
