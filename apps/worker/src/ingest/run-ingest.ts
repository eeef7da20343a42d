import { clearJournal, finalizeDataset, journalTotals, readJournal } from '@umbra/datasets';
import { removeDataset } from '@umbra/platform/store/delete';
import { getJson, putJson } from '@umbra/platform/store/json';
import { parseKey } from '@umbra/platform/store/key-layout';
import { keys } from '@umbra/platform/store/keys';
import {
  type Dataset,
  datasetSource,
  ingestPayload,
  storedDataset,
} from '@umbra/shared/contracts/dataset';
import { AppError, hasCode, isRetryable, reportError, unavailable } from '@umbra/shared/errors';
import { DelayedError, type Job } from 'bullmq';
import type { WorkerServices } from '../services.js';
import { readSource } from './read-source.js';

/**
 * Look at a dataset's sources and make it ready. What was looked at is in its journal, so that a run
 * that dies is gone on with where it was; a dataset that is deleted meanwhile ends it.
 */
export async function runIngest(services: WorkerServices, job: Job, token?: string): Promise<void> {
  const { store, logger } = services;
  const { tenant, dataset: id } = ingestPayload.parse(job.data);
  try {
    await ingest(services, tenant, id);
  } catch (error) {
    if (hasCode(error, 'cancelled') && services.shutdown.aborted) {
      await job.moveToDelayed(Date.now(), token);
      throw new DelayedError();
    }
    if (hasCode(error, 'cancelled')) {
      // What was written after it was deleted.
      await removeDataset(store, tenant, { id, createdAt: new Date(0).toISOString() });
      await services.usage.releaseDataset(tenant, id);
      return;
    }
    if (isRetryable(error)) throw error;
    logger.warn({ datasetId: id, error: reportError(error) }, 'dataset failed');
    await failDataset(services, tenant, id, error);
  }
}

/** Files that no worker survives must not take down one after the other: their dataset failed. */
export async function giveUpIngest(
  services: WorkerServices,
  job: Job,
  error: Error,
): Promise<void> {
  // Of the queue's own words. What else ended it, such as a store that was away, is tried again later.
  if (!error.message.includes('stalled')) return;
  const { tenant, dataset } = ingestPayload.parse(job.data);
  const reason = new AppError('internal', 'Its workers ended while they looked at it');
  await failDataset(services, tenant, dataset, reason);
}

async function ingest(services: WorkerServices, tenant: string, id: string): Promise<void> {
  const { store, logger } = services;
  const place = { store, tenant, dataset: id };
  const dataset = await readRecord(services, tenant, id);
  if (dataset.state === 'validating') {
    const assertActive = async (): Promise<void> => {
      if (services.shutdown.aborted) throw new AppError('cancelled', 'This process is ending');
      const { state } = await readRecord(services, tenant, id);
      // The API was first, and clears away what this would read: what is left then is done next time.
      if (state !== 'validating') throw unavailable(`Dataset '${id}' is ${state} already`);
    };
    for await (const { key } of store.list(keys.sources(tenant, id))) {
      const { source } = parseKey('source', key);
      await readSource(
        services,
        place,
        source,
        await getJson(store, key, datasetSource),
        assertActive,
      );
    }
    await assertActive();
    const totals = await journalTotals(place);
    const ready = await finalizeDataset(store, tenant, dataset, () => readJournal(place), totals);
    await recordWholeDataset(services, tenant, ready);
    const { images, refused } = ready;
    logger.info({ datasetId: id, images, refused }, 'dataset ready');
  }
  if (dataset.state === 'open') return;
  // Sealed by a process that died before it booked it, or by one that was faster.
  if (dataset.state === 'ready') await recordWholeDataset(services, tenant, dataset);
  if (dataset.state !== 'failed') await clearJournal(store, tenant, id);
  await store.delete(keys.ingest(tenant, id));
}

/** A dataset that is ready takes what its manifest says, and no more what its parts set aside. */
async function recordWholeDataset(
  { readTenant, usage }: WorkerServices,
  tenant: string,
  ready: Dataset,
): Promise<void> {
  const { quotas } = await readTenant(tenant);
  await usage.completeDataset(tenant, quotas, ready.id, ready);
}

/** @throws {AppError} `cancelled` if it was deleted. */
async function readRecord({ store }: WorkerServices, tenant: string, id: string): Promise<Dataset> {
  return getJson(store, keys.dataset(tenant, id), storedDataset).catch((error: unknown) => {
    if (!hasCode(error, 'not_found')) throw error;
    throw new AppError('cancelled', `Dataset '${id}' was deleted`);
  });
}

async function failDataset(
  services: WorkerServices,
  tenant: string,
  id: string,
  error: unknown,
): Promise<void> {
  const { store } = services;
  const dataset = await readRecord(services, tenant, id);
  // Another process may have been first, and have cleared the journal away.
  if (dataset.state === 'validating') {
    const failed: Dataset = {
      ...dataset,
      state: 'failed',
      failedAt: new Date().toISOString(),
      error: reportError(error),
    };
    await putJson(store, keys.dataset(tenant, id), failed);
  }
  await store.delete(keys.ingest(tenant, id));
}
