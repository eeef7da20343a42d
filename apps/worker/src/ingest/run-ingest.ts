import {
  clearJournal,
  finalizeDataset,
  journalTotals,
  readJournal,
  removeDataset,
} from '@umbra/datasets';
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
import type { Job } from 'bullmq';
import { giveBack } from '../runtime/give-back.js';
import { isStalledOut } from '../runtime/queue-jobs.js';
import type { StepResult } from '../runtime/step.js';
import type { WorkerServices } from '../services.js';
import { readSource } from './read-source.js';
import { type DatasetLocation, type IngestServices, openSourceIngest } from './source-ingest.js';

type RunIngestServices = IngestServices & Pick<WorkerServices, 'logger' | 'shutdown'>;
type TenantServices = Pick<WorkerServices, 'readTenant' | 'usage'>;

/**
 * Read a dataset's sources and make it ready. The journal holds what was read, so that a run that
 * dies is continued; deleting the dataset ends it.
 */
export async function runIngest(
  services: RunIngestServices,
  job: Job,
  token: string,
): Promise<StepResult> {
  const { store, logger, shutdown } = services;
  const { tenant, dataset } = ingestPayload.parse(job.data);
  const location = { store, tenant, dataset };
  try {
    await ingest(services, location);
  } catch (error) {
    if (shutdown.aborted && (hasCode(error, 'cancelled') || error === shutdown.reason)) {
      return giveBack(job, token);
    }
    if (hasCode(error, 'cancelled')) await removeRemains(services, location);
    else if (isRetryable(error)) throw error;
    else {
      logger.warn({ datasetId: dataset, error: reportError(error) }, 'dataset failed');
      await failDataset(location, error);
    }
  }
  return {};
}

/** Fail a dataset whose files no worker survives, so that they end no further workers. */
export async function failUningested(
  { store }: Pick<WorkerServices, 'store'>,
  job: Job,
): Promise<StepResult> {
  // After any other failure, as of an unreachable store, the dataset is read again later.
  if (!isStalledOut(job)) return {};
  const { tenant, dataset } = ingestPayload.parse(job.data);
  const reason = new AppError('internal', 'Its workers ended while they looked at it');
  await failDataset({ store, tenant, dataset }, reason);
  return {};
}

async function ingest(services: RunIngestServices, location: DatasetLocation): Promise<void> {
  const { store, tenant, dataset: id } = location;
  const dataset = await readRecord(location);
  if (dataset.state === 'open') return;
  if (dataset.state === 'validating') await makeReady(services, location, dataset);
  // Finalized by a process that died before it recorded the usage, or by a faster one.
  if (dataset.state === 'ready') await recordUsage(services, tenant, dataset);
  if (dataset.state !== 'failed') await clearJournal(store, tenant, id);
  await store.delete(keys.ingest(tenant, id));
}

async function makeReady(
  services: RunIngestServices,
  location: DatasetLocation,
  dataset: Dataset,
): Promise<void> {
  const { store, tenant } = location;
  const assertActive = () => assertValidating(services, location);
  for await (const { key } of store.list(keys.sources(tenant, dataset.id))) {
    const { source: id } = parseKey('source', key);
    const source = await getJson(store, key, datasetSource);
    await readSource(
      await openSourceIngest(services, { location, id, source, assertActive }),
      source,
    );
  }
  await assertActive();
  const totals = await journalTotals(location);
  const ready = await finalizeDataset(store, tenant, dataset, {
    entries: () => readJournal(location),
    expected: totals,
  });
  await recordUsage(services, tenant, ready);
  const { images, refused } = ready;
  services.logger.info({ datasetId: dataset.id, images, refused }, 'dataset ready');
}

/** @throws {AppError} `cancelled` if this process is ending or the dataset was deleted. */
async function assertValidating(
  { shutdown }: Pick<WorkerServices, 'shutdown'>,
  location: DatasetLocation,
): Promise<void> {
  if (shutdown.aborted) throw new AppError('cancelled', 'This process is ending');
  const { id, state } = await readRecord(location);
  // The API finalized it first and clears its journal: the retry does what is left.
  if (state !== 'validating') throw unavailable(`Dataset '${id}' is ${state} already`);
}

/** Replace what a dataset's sources reserved by what its manifest holds. */
async function recordUsage(
  { readTenant, usage }: TenantServices,
  tenant: string,
  ready: Dataset,
): Promise<void> {
  const { quotas } = await readTenant(tenant);
  await usage.completeDataset(tenant, quotas, ready.id, ready);
}

/** Remove what was written after the dataset had been deleted. */
async function removeRemains(
  { usage }: TenantServices,
  { store, tenant, dataset: id }: DatasetLocation,
): Promise<void> {
  await removeDataset(store, tenant, { id, createdAt: new Date(0).toISOString() });
  await usage.releaseDataset(tenant, id);
}

/** @throws {AppError} `cancelled` if it was deleted. */
async function readRecord({ store, tenant, dataset }: DatasetLocation): Promise<Dataset> {
  return getJson(store, keys.dataset(tenant, dataset), storedDataset).catch((error: unknown) => {
    if (!hasCode(error, 'not_found')) throw error;
    throw new AppError('cancelled', `Dataset '${dataset}' was deleted`);
  });
}

async function failDataset(location: DatasetLocation, error: unknown): Promise<void> {
  const { store, tenant, dataset: id } = location;
  const dataset = await readRecord(location);
  // Another process may have been first, and have cleared the journal.
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
