import { keys } from '@umbra/platform/store/keys';
import type { ObjectStore } from '@umbra/platform/store/store';

/** Delete what a dataset needed before it was ready. */
export async function clearJournal(store: ObjectStore, tenant: string, id: string): Promise<void> {
  for (const folder of keys.datasetWork(tenant, id)) {
    for await (const { key } of store.list(folder)) await store.delete(key);
  }
}
