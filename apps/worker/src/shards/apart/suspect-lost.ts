import { reportError } from '@umbra/shared/errors';
import type { WorkerServices } from '../../services.js';

/**
 * Have the images run apart that workers of this machine ran when they were lost. Never rejects: the queue
 * finds the same once their locks have expired.
 */
export async function suspectLost({
  heldImages,
  losses,
  logger,
}: Pick<WorkerServices, 'heldImages' | 'losses' | 'logger'>): Promise<void> {
  try {
    for (const { process, run } of await heldImages.takeLost()) {
      await losses.suspect(run, process);
      const { jobId, item } = run;
      logger.warn({ jobId, imageId: item.id, sha256: item.sha256 }, 'image of a lost worker');
    }
  } catch (error) {
    logger.warn({ error: reportError(error) }, 'images of lost workers not looked for');
  }
}
