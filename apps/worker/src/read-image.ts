import { createHash } from 'node:crypto';
import { type DatasetItem, integrity, keys, type ObjectStore } from '@umbra/shared';

/** @throws {AppError} `not_found`; `integrity` if the bytes are not the ones that were accepted. */
export async function readImage(
  store: ObjectStore,
  tenant: string,
  dataset: string,
  item: DatasetItem,
): Promise<Buffer> {
  const bytes = await store.get(keys.image(tenant, dataset, item.sha256));
  const found = createHash('sha256').update(bytes).digest('hex');
  if (found !== item.sha256) {
    throw integrity(`Expected image '${item.name}' to have sha256 ${item.sha256}, got ${found}`);
  }
  return bytes;
}
