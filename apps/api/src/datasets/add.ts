import type { Tally } from '@umbra/intake';
import type { Dataset } from '@umbra/shared';
import type { Request } from 'express';
import type { Context } from '../context.js';
import { receiveImages } from '../uploads/receive.js';
import { addManifest, type Labels, openIntake } from './create.js';
import { findOpen } from './find.js';

/**
 * Add a request's images, or the manifest that it brings, to an open dataset. What has come of a
 * request that breaks off is kept.
 *
 * @throws {AppError} `conflict` if the dataset was closed meanwhile: nothing of this request is in it.
 */
export async function addImages(
  context: Context,
  tenant: string,
  { id }: Dataset,
  labels: Labels,
  request: Request,
): Promise<Tally> {
  if (request.is('application/jsonl')) {
    await addManifest(context, tenant, id, labels, request);
    await findOpen(context, tenant, id);
    return { images: 0, bytes: 0, refused: 0, refusals: [] };
  }
  const intake = openIntake(context, tenant, id, labels);
  try {
    await receiveImages(context, request, intake);
  } finally {
    await intake.settle();
    await intake.commit();
  }
  // After all was written: whoever closes it writes its state before it looks for segments.
  await findOpen(context, tenant, id).catch(async (error: unknown) => {
    await intake.journal.withdraw();
    throw error;
  });
  return intake.tally;
}
