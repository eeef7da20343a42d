import { newStreamId, type Tally } from '@umbra/datasets';
import { createDatasetMeter } from '@umbra/platform/tenancy/dataset-meter';
import type { Dataset } from '@umbra/shared/contracts/dataset';
import type { Request } from 'express';
import { releaseQuietly } from '../auth/release-usage.js';
import type { ApiServices } from '../services.js';
import { addManifest, dropManifest, type Labels, openDatasetWriter } from './create-dataset.js';
import { findOpen } from './find-dataset.js';
import { receiveImages } from './receive-images.js';

/**
 * Add a request's images, or the manifest that it brings, to an open dataset. What has come of a
 * request that breaks off is kept.
 *
 * @throws {AppError} `conflict` if the dataset was closed meanwhile: nothing of this request is in it;
 *   `quota_exceeded`, and what came before is kept.
 */
export async function addImages(
  context: ApiServices,
  tenant: string,
  { id }: Dataset,
  labels: Labels,
  request: Request,
): Promise<Tally> {
  if (request.is('application/jsonl')) {
    const source = await addManifest(context, tenant, id, labels, request);
    await findOpen(context, tenant, id).catch(async (error: unknown) => {
      await dropManifest(context, tenant, id, source);
      throw error;
    });
    return { images: 0, bytes: 0, refused: 0, refusals: [] };
  }
  const stream = newStreamId();
  const meter = createDatasetMeter(context, tenant, `${id}.${stream}`);
  await meter.open();
  const writer = openDatasetWriter(context, tenant, id, labels, meter, stream);
  try {
    await receiveImages(context, request, writer);
  } finally {
    try {
      await writer.settle();
    } finally {
      await writer.commit();
      await releaseQuietly(meter.settle());
    }
  }
  // After all was written: whoever closes it writes its state before it looks for segments.
  await findOpen(context, tenant, id).catch(async (error: unknown) => {
    await writer.journal.withdraw();
    await releaseQuietly(meter.abandon());
    throw error;
  });
  return writer.tally;
}
