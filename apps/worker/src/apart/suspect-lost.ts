import { lostWithWorker } from '@umbra/platform/redis/losses';
import { reportError } from '@umbra/shared/errors';
import type { WorkerServices } from '../services.js';
import { removeOldMarks, takeOutlived } from './outlived.js';

/**
 * Have the images run apart that workers of this machine ran when they were lost. One that ran apart already, and
 * whose process did not outlive the worker, may have ended both, as where they share a limit of memory: that counts
 * against it.
 * Never rejects: the queue finds lost shards once their locks have expired.
 */
export async function suspectLost({
  heldImages,
  losses,
  logger,
}: Pick<WorkerServices, 'heldImages' | 'losses' | 'logger'>): Promise<void> {
  try {
    for (const { process, run, apart } of await heldImages.takeLost()) {
      if (apart === null || (await takeOutlived(process))) {
        const { host, pid, start } = process;
        await losses.suspect(run, `${host} ${pid} ${start}`);
      } else {
        await losses.record(run, lostWithWorker, apart);
      }
      const { jobId, item } = run;
      logger.warn(
        { jobId, imageId: item.id, sha256: item.sha256, apart },
        'image of a lost worker',
      );
    }
    await removeOldMarks();
  } catch (error) {
    logger.warn({ error: reportError(error) }, 'images of lost workers not looked for');
  }
}
