import {
  clearJournal,
  createDatasetMeter,
  type DatasetWriter,
  finalizeDataset,
  type JournalEntry,
  newStreamId,
  readJournal,
  removeDataset,
} from '@umbra/datasets';
import { putJson } from '@umbra/platform/store/json';
import { keys } from '@umbra/platform/store/keys';
import type { ObjectStore } from '@umbra/platform/store/store';
import {
  type Dataset,
  type DatasetRequest,
  newDataset,
  type Refusal,
} from '@umbra/shared/contracts/dataset';
import { invalidInput } from '@umbra/shared/errors';
import { newDatasetId } from '@umbra/shared/ids';
import { releaseQuietly } from '../auth/release-usage.js';
import { ProblemError } from '../http/problems.js';
import type { Upload } from '../http/receive-body.js';
import type { ApiServices } from '../services.js';
import type { UploadServices } from './add-images.js';
import { addManifest, addSource } from './dataset-sources.js';
import { markUpload, removeQuietly } from './mark-upload.js';
import { type LabelRule, openDatasetWriter } from './open-dataset-writer.js';
import { type IngestQueueServices, queueIngest } from './queue-ingest.js';
import { receiveImages } from './receive-images.js';
import type { ReservingServices } from './reserve-part.js';

/** Create a dataset of one request's images; a request that fails leaves none. */
export async function createFromUpload(
  services: UploadServices & Pick<ApiServices, 'logger'>,
  labels: LabelRule,
  upload: Upload,
): Promise<{ dataset: Dataset; refusals: readonly Refusal[] }> {
  const { store, logger } = services;
  const { tenant } = upload;
  const created = newDataset(newDatasetId(), new Date());
  const meter = createDatasetMeter(services, tenant, created.id);
  await meter.open();
  const reference = { tenant, id: created.id };
  const writer = openDatasetWriter(services, { dataset: reference, labels, meter });
  const marker = await markUpload(services, reference, { createdAt: created.createdAt });
  try {
    await receiveImages(services, upload, writer);
    await writer.settle();
    marker.assertAlive();
    const dataset = await finalizeUpload(store, tenant, created, writer);
    await removeQuietly(marker);
    await releaseQuietly(meter.settle());
    return { dataset, refusals: writer.tally.refusals };
  } catch (error) {
    // Writes in flight must end first, or they would follow the removal.
    await writer.settle().catch(() => undefined);
    try {
      await removeDataset(store, tenant, created);
      await marker.remove();
    } catch (reason) {
      marker.leave();
      logger.warn({ datasetId: created.id, reason: String(reason) }, 'failed upload not removed');
    }
    await releaseQuietly(meter.abandon());
    throw error;
  }
}

/** Finalize a dataset of what was written, from memory where its journal was not committed. */
async function finalizeUpload(
  store: ObjectStore,
  tenant: string,
  dataset: Dataset,
  { journal, tally, commit }: DatasetWriter,
): Promise<Dataset> {
  if (tally.images === 0) {
    throw new ProblemError('invalid_input', 'Expected at least one image, got none', {
      refusals: tally.refusals,
    });
  }
  const committed = tally.images + tally.refused > journal.pending().length;
  if (committed) await commit();
  const entries = (): AsyncIterable<JournalEntry> | Iterable<JournalEntry> =>
    committed ? readJournal({ store, tenant, dataset: dataset.id }) : journal.pending();
  await putIndexEntry(store, tenant, dataset);
  const ready = await finalizeDataset(store, tenant, dataset, { entries, expected: tally });
  if (committed) await clearJournal(store, tenant, dataset.id);
  return ready;
}

/** Create an open dataset, or one of images that a worker reads from an S3 source. */
export async function createFromRequest(
  services: OpeningServices & Pick<ApiServices, 'sources'>,
  tenant: string,
  { metadata, source, labels }: DatasetRequest,
): Promise<Dataset> {
  const { store, sources } = services;
  const open = newDataset(newDatasetId(), new Date(), metadata);
  if (source === undefined) {
    return withinQuota(services, tenant, open, async () => {
      await putIndexEntry(store, tenant, open);
      await putJson(store, keys.dataset(tenant, open.id), open);
      return open;
    });
  }
  if (!source.uri.endsWith('/')) throw invalidInput("Expected source.uri to end in '/'");
  const { bucket, key: prefix } = sources.locate(source.uri);
  return withinQuota(services, tenant, open, async () => {
    await addSource(store, { tenant, id: open.id }, newStreamId(), {
      version: 1,
      kind: 's3',
      bucket,
      prefix,
      labels: labels ?? null,
    });
    return startValidating(services, tenant, open);
  });
}

type OpeningServices = IngestQueueServices & ReservingServices & Pick<ApiServices, 'store'>;

/** Create a dataset that counts as open; one that cannot be created counts no more. */
async function withinQuota(
  { readTenant, usage }: ReservingServices,
  tenant: string,
  { id }: Dataset,
  create: () => Promise<Dataset>,
): Promise<Dataset> {
  const { quotas } = await readTenant(tenant);
  await usage.openDataset(tenant, quotas, id);
  try {
    return await create();
  } catch (error) {
    await releaseQuietly(usage.releaseDataset(tenant, id));
    throw error;
  }
}

/** Create a dataset of a manifest, whose lines a worker validates. */
export async function createFromManifest(
  services: OpeningServices & Pick<ApiServices, 'config' | 'turns'>,
  labels: LabelRule,
  upload: Upload,
): Promise<Dataset> {
  const { tenant } = upload;
  const open = newDataset(newDatasetId(), new Date());
  const reference = { tenant, id: open.id };
  return withinQuota(services, tenant, open, async () => {
    const marker = await markUpload(services, reference, { createdAt: open.createdAt });
    try {
      await addManifest(services, reference, labels, upload);
      marker.assertAlive();
      const validating = await startValidating(services, tenant, open);
      await removeQuietly(marker);
      return validating;
    } catch (error) {
      await removeDataset(services.store, tenant, open)
        .then(marker.remove)
        .catch(() => marker.leave());
      throw error;
    }
  });
}

async function startValidating(
  services: IngestQueueServices & Pick<ApiServices, 'store'>,
  tenant: string,
  open: Dataset,
): Promise<Dataset> {
  const { store } = services;
  await putIndexEntry(store, tenant, open);
  const validating: Dataset = { ...open, state: 'validating' };
  await store.put(keys.ingest(tenant, open.id), '');
  await putJson(store, keys.dataset(tenant, open.id), validating);
  await queueIngest(services, { tenant, id: open.id });
  return validating;
}

/** Put a dataset's entry into the index, before its record: lists skip an entry without a record. */
async function putIndexEntry(store: ObjectStore, tenant: string, dataset: Dataset): Promise<void> {
  await store.put(keys.datasetEntry(tenant, dataset), '');
}
