import { createHash } from 'node:crypto';
import type { DatasetItem } from '@umbra/shared/contracts/dataset';
import { integrity } from '@umbra/shared/errors';
import { keys } from './keys.js';
import type { SourceStores } from './source-stores.js';
import type { ObjectStore } from './store.js';

type ItemContent = Pick<DatasetItem, 'name' | 'sha256' | 'source'>;

/**
 * The bytes of a dataset's image, from wherever they lie.
 *
 * @throws {AppError} `not_found`; `integrity` if they are not the ones that were accepted, as where a
 *   user has replaced an object; `forbidden` if its place is no longer allowed.
 */
export async function readItem(
  { store, sources }: { readonly store: ObjectStore; readonly sources: SourceStores },
  tenant: string,
  dataset: string,
  item: ItemContent,
): Promise<Buffer> {
  const { name, sha256, source } = item;
  const bytes =
    source === undefined
      ? await store.get(keys.image(tenant, dataset, sha256))
      : await sources.open(source).get(source.key);
  const found = createHash('sha256').update(bytes).digest('hex');
  if (found === sha256) return bytes;
  throw integrity(`Expected image '${name}' to have sha256 ${sha256}, got ${found}`);
}
