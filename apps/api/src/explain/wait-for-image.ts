import { findJobRecord } from '@umbra/platform/store/job-records';
import { getJson } from '@umbra/platform/store/json';
import { keys } from '@umbra/platform/store/keys';
import type { ObjectStore } from '@umbra/platform/store/store';
import { errorReport } from '@umbra/shared/contracts/dataset';
import { isFinal } from '@umbra/shared/contracts/job';
import type { Reference } from '@umbra/shared/contracts/reference';
import { AppError, hasCode } from '@umbra/shared/errors';
import { imageIdAt } from '@umbra/shared/ids';
import type { ApiServices } from '../services.js';

/** Id of the only image of a job of one image. */
export const onlyImage = imageIdAt(0);

/**
 * Wait until a job's only image is finished, by its events and without polling.
 *
 * @throws {AppError} The image's own error, or its job's; `unavailable` when the process ends.
 * @throws The signal's reason.
 */
export async function waitForImage(
  { hub, store }: Pick<ApiServices, 'hub' | 'store'>,
  job: Reference,
  signal: AbortSignal,
): Promise<void> {
  let unfollow = () => {};
  let isOver = false;
  try {
    await new Promise<void>((resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      if (signal.aborted) reject(signal.reason);
      const check = () => {
        isImageFinished(store, job).then((isFinished) => isFinished && resolve(), reject);
      };
      const listener = {
        event: ({ name }: { name: string }) => name !== 'progress' && check(),
        lost: check,
        beat: () => undefined,
        end: () => reject(new AppError('unavailable', 'The service is being stopped')),
      };
      hub.follow(job.tenant, job.id, listener).then((stop) => {
        unfollow = stop;
        // The wait may have ended before the subscription began.
        if (isOver) return stop();
        // The image may have been finished before the subscription began.
        check();
      }, reject);
    });
  } finally {
    isOver = true;
    unfollow();
  }
}

/** @throws {AppError} The image's own error, or its job's. */
async function isImageFinished(store: ObjectStore, { tenant, id }: Reference): Promise<boolean> {
  if ((await store.head(keys.result(tenant, id, onlyImage, 'result.json'))) !== null) return true;
  const failed = await getJson(store, keys.error(tenant, id, onlyImage), errorReport).catch(
    (error: unknown) => {
      if (hasCode(error, 'not_found')) return null;
      throw error;
    },
  );
  if (failed !== null) throw new AppError(failed.code, failed.message);
  const job = await findJobRecord(store, tenant, id);
  if (job === null || !isFinal(job.state)) return false;
  if (job.state === 'expired') throw new AppError('deadline_exceeded', `Job '${id}' expired`);
  if (job.error !== null) throw new AppError(job.error.code, job.error.message);
  throw new AppError('cancelled', `Job '${id}' ended`);
}
