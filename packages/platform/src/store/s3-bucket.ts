import { isForbidden } from './s3-errors.js';

/** How long a bucket that was there is taken to be there still. */
const keepMs = 5_000;

/**
 * A check that a bucket is there: without it, nothing is known of its objects. Those who ask at once,
 * or soon after a good answer, share it, since every look for a missing object asks.
 *
 * @param ask Rejects if the bucket is not there. That it may not be looked at means that it is.
 * @returns Rejects with the reason of `ask`.
 */
export function createBucketCheck(ask: () => Promise<unknown>): () => Promise<void> {
  let asking: Promise<void> | undefined;
  let thereUntilMs = 0;
  const look = async () => {
    try {
      await ask();
    } catch (error) {
      if (!isForbidden(error)) throw error;
    }
    thereUntilMs = performance.now() + keepMs;
  };
  return async () => {
    if (performance.now() < thereUntilMs) return;
    asking ??= look().finally(() => {
      asking = undefined;
    });
    await asking;
  };
}
