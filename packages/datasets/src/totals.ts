import type { ObjectStore } from '@umbra/platform/store/store';
import type { Dataset } from '@umbra/shared/contracts/dataset';
import { journalTotals } from './journal.js';

/** A dataset's record with what it holds so far, while it is not ready. */
export async function figuresOf(
  store: ObjectStore,
  tenant: string,
  dataset: Dataset,
): Promise<Dataset> {
  if (dataset.state === 'ready') return dataset;
  return { ...dataset, ...(await journalTotals({ store, tenant, dataset: dataset.id })) };
}
