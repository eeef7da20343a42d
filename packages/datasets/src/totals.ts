import type { ObjectStore } from '@umbra/platform/store/store';
import type { Dataset } from '@umbra/shared/contracts/dataset';
import { journalTotals } from './journal.js';

/** Complete a dataset's record with its totals so far, while it is not ready. */
export async function withTotals(
  store: ObjectStore,
  tenant: string,
  dataset: Dataset,
): Promise<Dataset> {
  if (dataset.state === 'ready') return dataset;
  return { ...dataset, ...(await journalTotals({ store, tenant, dataset: dataset.id })) };
}
