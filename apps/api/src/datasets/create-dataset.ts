import {
  clearJournal,
  createDatasetWriter,
  createJournal,
  type DatasetWriter,
  type Entry,
  finalizeDataset,
  newStreamId,
  readJournal,
} from '@umbra/datasets';
import { removeDataset } from '@umbra/platform/store/delete';
import { putJson } from '@umbra/platform/store/json';
import { keys } from '@umbra/platform/store/keys';
import { createDatasetMeter, type DatasetMeter } from '@umbra/platform/tenancy/dataset-meter';
import {
  type Dataset,
  type DatasetRequest,
  type DatasetSource,
  newDataset,
  type Refusal,
} from '@umbra/shared/contracts/dataset';
import { invalidInput } from '@umbra/shared/errors';
import { newDatasetId } from '@umbra/shared/ids';
import type { Request } from 'express';
import { releaseQuietly } from '../auth/release-usage.js';
import { ClientDisconnectedError, limitBody } from '../http/limit-body.js';
import { ProblemError } from '../http/problems.js';
import type { ApiServices } from '../services.js';
import { queueIngest } from './close-dataset.js';
import { receiveImages } from './receive-images.js';

export type Labels = 'folder' | null;

/** An intake of a request's images. */
export const openDatasetWriter = (
  { store, config }: ApiServices,
  tenant: string,
  dataset: string,
  labels: Labels,
  meter: DatasetMeter,
  stream = newStreamId(),
): DatasetWriter =>
  createDatasetWriter({
    ...{ store, tenant, dataset, labels, stream, admit: meter.take },
    limits: { maxBytes: config.UMBRA_MAX_IMAGE_BYTES, maxPixels: config.UMBRA_MAX_IMAGE_PIXELS },
  });

/** Make a dataset of one request's images; a broken request leaves none. */
export async function createOfUpload(
  context: ApiServices,
  tenant: string,
  labels: Labels,
  request: Request,
): Promise<{ dataset: Dataset; refusals: readonly Refusal[] }> {
  const { store } = context;
  const made = newDataset(newDatasetId(), new Date());
  const meter = createDatasetMeter(context, tenant, made.id);
  await meter.open();
  const writer = openDatasetWriter(context, tenant, made.id, labels, meter);
  const { journal, tally } = writer;
  try {
    await receiveImages(context, request, writer);
    await writer.settle();
    if (tally.images === 0) {
      throw new ProblemError('invalid_input', 'Expected at least one image, got none', {
        refusals: tally.refusals,
      });
    }
    const committed = tally.images + tally.refused > journal.pending().length;
    if (committed) await writer.commit();
    const entries = (): AsyncIterable<Entry> | Iterable<Entry> =>
      committed ? readJournal({ store, tenant, dataset: made.id }) : journal.pending();
    await enterIndex(context, tenant, made);
    const dataset = await finalizeDataset(store, tenant, made, entries, tally);
    if (committed) await clearJournal(store, tenant, made.id);
    await releaseQuietly(meter.settle());
    return { dataset, refusals: tally.refusals };
  } catch (error) {
    // What was begun must have ended, or it would be written after it was cleared away.
    await writer.settle().catch(() => undefined);
    await removeDataset(store, tenant, made).catch((reason: unknown) => {
      context.logger.warn({ reason: String(reason) }, 'a failed upload could not be cleared away');
    });
    await releaseQuietly(meter.abandon());
    throw error;
  }
}

/** Make a dataset that is open, or one of images that are to be read where they lie. */
export async function createOfRequest(
  context: ApiServices,
  tenant: string,
  { metadata, source, labels }: DatasetRequest,
): Promise<Dataset> {
  const open = newDataset(newDatasetId(), new Date(), metadata);
  if (source === undefined) {
    await enterIndex(context, tenant, open);
    await putJson(context.store, keys.dataset(tenant, open.id), open);
    return open;
  }
  if (!source.uri.endsWith('/')) throw invalidInput("Expected source.uri to end in '/'");
  const { bucket, key: prefix } = context.sources.locate(source.uri);
  await addSource(context, tenant, open.id, newStreamId(), {
    ...{ version: 1, kind: 's3', bucket, prefix },
    labels: labels ?? null,
  });
  return begin(context, tenant, open);
}

/** Make a dataset of a manifest, whose lines are looked at one by one. */
export async function createOfManifest(
  context: ApiServices,
  tenant: string,
  labels: Labels,
  request: Request,
): Promise<Dataset> {
  const open = newDataset(newDatasetId(), new Date());
  try {
    await addManifest(context, tenant, open.id, labels, request);
  } catch (error) {
    await removeDataset(context.store, tenant, open).catch(() => undefined);
    throw error;
  }
  return begin(context, tenant, open);
}

/** Keep a manifest for when its dataset is closed. @returns The source that it is. */
export async function addManifest(
  context: ApiServices,
  tenant: string,
  id: string,
  labels: Labels,
  request: Request,
): Promise<string> {
  const { store, config } = context;
  const source = newStreamId();
  const body = limitBody(request, config.UMBRA_MAX_UPLOAD_BYTES);
  await store.putStream(keys.sourceLines(tenant, id, source), body).catch((error: unknown) => {
    if (error instanceof ClientDisconnectedError) {
      throw invalidInput('Expected a complete manifest', error);
    }
    throw error;
  });
  await addSource(context, tenant, id, source, {
    version: 1,
    kind: 'lines',
    isUpload: false,
    labels,
  });
  return source;
}

/** Take a manifest back, and what was read of it already. */
export async function dropManifest(
  { store }: ApiServices,
  tenant: string,
  id: string,
  source: string,
): Promise<void> {
  await store.delete(keys.source(tenant, id, source));
  await store.delete(keys.sourceLines(tenant, id, source));
  await createJournal({ store, tenant, dataset: id }, source).withdraw();
}

export async function addSource(
  { store }: ApiServices,
  tenant: string,
  id: string,
  source: string,
  what: DatasetSource,
): Promise<void> {
  await putJson(store, keys.source(tenant, id, source), what);
}

async function begin(context: ApiServices, tenant: string, open: Dataset): Promise<Dataset> {
  await enterIndex(context, tenant, open);
  const validating: Dataset = { ...open, state: 'validating' };
  await context.store.put(keys.ingest(tenant, open.id), '');
  await putJson(context.store, keys.dataset(tenant, open.id), validating);
  await queueIngest(context, tenant, open.id);
  return validating;
}

/** Before the record: what is listed and not there is passed over. */
async function enterIndex({ store }: ApiServices, tenant: string, dataset: Dataset): Promise<void> {
  await store.put(keys.datasetEntry(tenant, dataset), '');
}
