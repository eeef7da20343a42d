import { createDatasetMeter, newStreamId, type Tally } from '@umbra/datasets';
import type { Reference } from '@umbra/shared/contracts/reference';
import { releaseQuietly } from '../auth/release-usage.js';
import type { Upload } from '../http/receive-body.js';
import type { ApiServices } from '../services.js';
import { addManifest, removeManifest } from './dataset-sources.js';
import { findOpenDataset } from './find-dataset.js';
import { markUpload, removeQuietly } from './mark-upload.js';
import { type LabelRule, openDatasetWriter } from './open-dataset-writer.js';
import { receiveImages } from './receive-images.js';

/** Services that receive images within a tenant's quota. */
export type UploadServices = Pick<
  ApiServices,
  'store' | 'config' | 'readTenant' | 'usage' | 'turns'
>;

/**
 * Add a request's images or manifest to an open dataset. Images received before a request breaks off
 * are kept.
 *
 * @throws {AppError} `conflict` if the dataset was closed meanwhile: nothing of this request is in it;
 *   `quota_exceeded`, and images received before are kept.
 */
export async function addImages(
  services: UploadServices,
  dataset: Reference,
  labels: LabelRule,
  upload: Upload,
): Promise<Tally> {
  const { store } = services;
  if (upload.request.is('application/jsonl')) {
    const source = await addManifest(services, dataset, labels, upload);
    await findOpenDataset(store, dataset).catch(async (error: unknown) => {
      await removeManifest(store, dataset, source);
      throw error;
    });
    return { images: 0, bytes: 0, refused: 0, refusals: [] };
  }
  const stream = newStreamId();
  const meter = createDatasetMeter(services, dataset.tenant, `${dataset.id}.${stream}`);
  await meter.open();
  const writer = openDatasetWriter(services, { dataset, labels, meter, stream });
  const marker = await markUpload(services, dataset, { stream });
  try {
    await receiveImages(services, upload, writer);
  } finally {
    // What is not written down by now is left to the sweep.
    marker.leave();
    try {
      await writer.settle();
    } finally {
      await writer.commit();
      await releaseQuietly(meter.settle());
    }
  }
  // After everything is written: a request that closes the dataset writes its state before it lists segments.
  await findOpenDataset(store, dataset).catch(async (error: unknown) => {
    await writer.journal.withdraw();
    await releaseQuietly(meter.abandon());
    throw error;
  });
  await removeQuietly(marker);
  return writer.tally;
}
