import type { MergePayload } from '@umbra/shared/contracts/shard';
import type { ErrorReport } from '@umbra/shared/errors';
import { imageIndexOf } from '@umbra/shared/ids';
import type { WorkerServices } from '../services.js';

/** Runs of an image whose results the store may lose; after them it fails. */
const maxLosses = 5;

/** An image whose results the store has lost, and which of them. */
export type ImageLoss = Pick<MergePayload, 'jobId' | 'item'> & { readonly lost: string };

/**
 * Count that the store has lost what an image's run had put there.
 *
 * @returns Why the image fails; null while it is to run again.
 */
export async function countLoss(
  { progress, logger }: Pick<WorkerServices, 'progress' | 'logger'>,
  { jobId, item, lost }: ImageLoss,
): Promise<ErrorReport | null> {
  const losses = await progress.countLoss(jobId, imageIndexOf(item.id));
  const facts = { jobId, imageId: item.id, lost, losses };
  if (losses < maxLosses) {
    logger.warn(facts, 'image runs again after loss from the store');
    return null;
  }
  logger.error(facts, 'image given up after loss from the store');
  const message = `${item.name} (${item.id}) ran ${losses} times, and each time the store lost its results: ${lost} the last time`;
  return { code: 'integrity', message };
}
