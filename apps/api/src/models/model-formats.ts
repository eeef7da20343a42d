import { describeModel } from '@umbra/platform/store/models';
import type { ObjectStore } from '@umbra/platform/store/store';
import { createLoadingCache } from '@umbra/shared/cache';
import type { JobRecord } from '@umbra/shared/contracts/job';
import type { ModelBundle } from '@umbra/shared/contracts/model';

/** Reads the format of a job's model, which its digest fixes: from the store once. */
export type FormatReader = (model: JobRecord['model']) => Promise<ModelBundle['format']>;

const maxEntries = 1_000;

export function createFormatReader(store: ObjectStore): FormatReader {
  const formats = createLoadingCache<ModelBundle['format']>({ maxEntries });
  return ({ name, digest }) =>
    formats.load(digest, async () => (await describeModel(store, name, digest)).format);
}
