import { createModelDisk, type ModelDiskOptions } from '@umbra/platform/store/model-disk';
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

export function createModelFolders(store: ObjectStore, options: ModelDiskOptions): ModelFolders {
  const disk = createModelDisk(store, options);
  return {
    async get(model, signal) {
      signal.throwIfAborted();
      return untilAborted(disk.get(model), signal);
    },
  };
}
