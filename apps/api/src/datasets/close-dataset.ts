import {
  clearJournal,
  finalizeDataset,
  journalTotals,
  offsetOf,
  readJournal,
} from '@umbra/datasets';
import { outageJobOptions, queueJobIds, queueNames } from '@umbra/platform/queues/queues';
import { getJson, putJson } from '@umbra/platform/store/json';
import { parseKey } from '@umbra/platform/store/key-layout';
import { keys } from '@umbra/platform/store/keys';
import { type Dataset, datasetSource } from '@umbra/shared/contracts/dataset';
import { AppError } from '@umbra/shared/errors';
import { releaseQuietly } from '../auth/release-usage.js';
import { withinQueueTimeout } from '../http/queue-timeout.js';
import type { ApiServices } from '../services.js';
import { findDataset } from './find-dataset.js';

/** More than this is left to a worker. */
const maxFinalizedHere = 10_000;

/**
 * End an open dataset: what it holds becomes its manifest, now or by a worker. Safe to repeat.
 *
 * @throws {AppError} `conflict` if it holds nothing, or an archive of it has not wholly come.
 */
export async function closeDataset(
  context: ApiServices,
  tenant: string,
  dataset: Dataset,
): Promise<Dataset> {
  const { store } = context;
  const { id, state } = dataset;
  if (state === 'ready') return dataset;
  if (state === 'failed') throw new AppError('conflict', `Dataset '${id}' failed`);
  if (state === 'validating') {
    await queueIngest(context, tenant, id);
    return dataset;
  }
  const sources = await checkSources(context, tenant, id);
  const place = { store, tenant, dataset: id };
  let totals = await journalTotals(place);
  if (sources === 0 && totals.images === 0) {
    throw new AppError('conflict', `Dataset '${id}' holds no image yet`);
  }
  // Before its images are listed: a request that adds some looks at the state after it has written.
  const validating: Dataset = { ...dataset, state: 'validating' };
  await store.put(keys.ingest(tenant, id), '');
  await putJson(store, keys.dataset(tenant, id), validating);
  if (sources > 0 || totals.images > maxFinalizedHere) {
    await queueIngest(context, tenant, id);
    return validating;
  }
  // Again: what was being added may have been written since.
  totals = await journalTotals(place);
  try {
    const ready = await finalizeDataset(
      store,
      tenant,
      validating,
      () => readJournal(place),
      totals,
    );
    await clearJournal(store, tenant, id);
    await store.delete(keys.ingest(tenant, id));
    const { quotas } = await context.readTenant(tenant);
    await releaseQuietly(context.usage.completeDataset(tenant, quotas, id, ready));
    return ready;
  } catch (error) {
    // A worker that found the mark may have been first.
    const now = await findDataset(context, tenant, id);
    if (now.state === 'ready') return now;
    throw error;
  }
}

/** @returns How many there are. @throws {AppError} `conflict` */
async function checkSources({ store }: ApiServices, tenant: string, id: string): Promise<number> {
  let sources = 0;
  for await (const { key } of store.list(keys.sources(tenant, id))) {
    sources += 1;
    const source = await getJson(store, key, datasetSource);
    if (source.kind !== 'archive') continue;
    const { source: name } = parseKey('source', key);
    const offset = await offsetOf({ store, tenant, dataset: id, source: name });
    if (offset === source.bytes) continue;
    throw new AppError(
      'conflict',
      `Archive '${name}' has ${offset} of ${source.bytes} bytes: send the rest, or delete it`,
    );
  }
  return sources;
}

/** A queue that is away is no fault: workers find what is marked in the store. */
export async function queueIngest(
  { ingestQueue, logger }: ApiServices,
  tenant: string,
  id: string,
): Promise<void> {
  const added = ingestQueue.add(
    queueNames.ingest,
    { version: 1, tenant, dataset: id },
    { ...outageJobOptions, jobId: queueJobIds.ingest(id) },
  );
  await withinQueueTimeout(added).catch((error: unknown) => {
    logger.warn(
      { datasetId: id, reason: String(error) },
      'the queue is away; a worker looks later',
    );
  });
}
