import { describeModel } from '@umbra/platform/store/models';
import type { ObjectStore } from '@umbra/platform/store/store';
import { createLoadingCache } from '@umbra/shared/cache';
import type { ModelBundle } from '@umbra/shared/contracts/model';
import type { ModelReference } from '@umbra/shared/contracts/reference';

/** Reads the format of a model, which its digest fixes: from the store once. */
export type FormatReader = (model: ModelReference) => Promise<ModelBundle['format']>;

const maxEntries = 1_000;

export function createFormatReader(store: ObjectStore): FormatReader {
  const formats = createLoadingCache<ModelBundle['format']>({ maxEntries });
  return (model) =>
    formats.load(model.digest, async () => (await describeModel(store, model)).format);
}
