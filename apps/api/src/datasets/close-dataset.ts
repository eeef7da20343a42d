import {
  clearJournal,
  finalizeDataset,
  journalTotals,
  offsetOf,
  readJournal,
} from '@umbra/datasets';
import { getJson, putJson } from '@umbra/platform/store/json';
import { keys } from '@umbra/platform/store/keys';
import type { ObjectStore } from '@umbra/platform/store/store';
import { type Dataset, datasetSource } from '@umbra/shared/contracts/dataset';
import type { Reference } from '@umbra/shared/contracts/reference';
import { AppError } from '@umbra/shared/errors';
import { releaseQuietly } from '../auth/release-usage.js';
import type { ApiServices } from '../services.js';
import { listSources } from './dataset-sources.js';
import { findDataset } from './find-dataset.js';
import { type IngestQueueServices, queueIngest } from './queue-ingest.js';

/** Maximum number of images that a request finalizes; a worker finalizes more. */
const maxFinalizedHere = 10_000;

type ClosingServices = Pick<ApiServices, 'store' | 'readTenant' | 'usage'>;

/**
 * Close an open dataset: its images become its manifest, within the request or by a worker. Idempotent.
 *
 * @throws {AppError} `conflict` if it holds nothing, or an archive's upload is not complete.
 */
export async function closeDataset(
  services: ClosingServices & IngestQueueServices,
  tenant: string,
  dataset: Dataset,
): Promise<Dataset> {
  const { store } = services;
  const { id, state } = dataset;
  const reference = { tenant, id };
  if (state === 'ready') return dataset;
  if (state === 'failed') throw new AppError('conflict', `Dataset '${id}' failed`);
  if (state === 'validating') {
    await queueIngest(services, reference);
    return dataset;
  }
  const sources = await countSources(store, reference);
  const { images } = await journalTotals({ store, tenant, dataset: id });
  if (sources === 0 && images === 0) {
    throw new AppError('conflict', `Dataset '${id}' holds no image yet`);
  }
  // Before the images are listed: a request that adds images checks the state after it has written them.
  const validating: Dataset = { ...dataset, state: 'validating' };
  await store.put(keys.ingest(tenant, id), '');
  await putJson(store, keys.dataset(tenant, id), validating);
  if (sources > 0 || images > maxFinalizedHere) {
    await queueIngest(services, reference);
    return validating;
  }
  return finalizeHere(services, tenant, validating);
}

async function finalizeHere(
  { store, readTenant, usage }: ClosingServices,
  tenant: string,
  validating: Dataset,
): Promise<Dataset> {
  const { id } = validating;
  const journal = { store, tenant, dataset: id };
  // Counted again: images that were being added may have been written since.
  const totals = await journalTotals(journal);
  try {
    const entries = () => readJournal(journal);
    const ready = await finalizeDataset(store, tenant, validating, { entries, expected: totals });
    await clearJournal(store, tenant, id);
    await store.delete(keys.ingest(tenant, id));
    const { quotas } = await readTenant(tenant);
    await releaseQuietly(usage.completeDataset(tenant, quotas, id, ready));
    return ready;
  } catch (error) {
    // A worker that found the marker may have finalized it first.
    const now = await findDataset(store, { tenant, id });
    if (now.state === 'ready') return now;
    throw error;
  }
}

/** Count a dataset's sources. @throws {AppError} `conflict` if an archive's upload is not complete. */
async function countSources(store: ObjectStore, { tenant, id }: Reference): Promise<number> {
  let count = 0;
  for await (const name of listSources(store, { tenant, id })) {
    count += 1;
    const source = await getJson(store, keys.source(tenant, id, name), datasetSource);
    if (source.kind !== 'archive') continue;
    const offset = await offsetOf({ store, tenant, dataset: id, source: name });
    if (offset === source.bytes) continue;
    throw new AppError(
      'conflict',
      `Archive '${name}' has ${offset} of ${source.bytes} bytes: send the rest, or delete it`,
    );
  }
  return count;
}
