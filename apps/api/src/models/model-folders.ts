import { fetchModel } from '@umbra/platform/store/models';
import type { ObjectStore } from '@umbra/platform/store/store';
import type { ModelReference } from '@umbra/shared/contracts/reference';
import { untilAborted } from '../http/until-aborted.js';

/** Folders of this machine that have a stored model's files. */
export type ModelFolders = {
  /**
   * Fetch a model, once for all who ask meanwhile; what was begun goes on where they leave, so that the next one finds it.
   *
   * @throws {AppError} As `fetchModel`; the signal's reason.
   */
  get(model: ModelReference, signal: AbortSignal): Promise<string>;
};

/** @param cacheFolder Folder on this machine that models are fetched to. */
export function createModelFolders(store: ObjectStore, cacheFolder: string): ModelFolders {
  const fetching = new Map<string, Promise<string>>();
  const begin = (model: ModelReference): Promise<string> => {
    const key = keyOf(model);
    const begun = fetchModel(store, model, cacheFolder).finally(() => fetching.delete(key));
    // Nobody may be left to hear of its failure.
    begun.catch(() => undefined);
    fetching.set(key, begun);
    return begun;
  };
  return {
    async get(model, signal) {
      signal.throwIfAborted();
      const running = fetching.get(keyOf(model)) ?? begin(model);
      return untilAborted(running, signal);
    },
  };
}

/** With the tenant: a wait for what another one has would end with its failure. */
const keyOf = ({ tenant, name, digest }: ModelReference): string => `${tenant}/${name}/${digest}`;
