import { describeModel } from '@umbra/platform/store/models';
import type { ObjectStore } from '@umbra/platform/store/store';
import type { JobRecord } from '@umbra/shared/contracts/job';
import type { ModelBundle } from '@umbra/shared/contracts/model';

/** The format of a job's model, which its digest fixes: asked of the store once. */
export type FormatReader = (model: JobRecord['model']) => Promise<ModelBundle['format']>;

const kept = 1000;

export function createFormatReader(store: ObjectStore): FormatReader {
  const formats = new Map<string, ModelBundle['format']>();
  return async ({ name, digest }) => {
    const format = formats.get(digest) ?? (await describeModel(store, name, digest)).format;
    if (formats.size >= kept) formats.clear();
    formats.set(digest, format);
    return format;
  };
}
