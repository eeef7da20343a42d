import { AsyncLocalStorage } from 'node:async_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LateTask } from '@umbra/engine';
import type { ImageAttempt } from '@umbra/platform/redis/losses';
import type { WorkerServices } from '../services.js';

/** How long Redis may take to record why a process ends. */
const recordMs = 1_000;

/** The image whose shard asks for inference, in the asynchronous context of the shard. */
const running = new AsyncLocalStorage<ImageAttempt>();

/** Run work of an image, which late inference is then told to be of. */
export const runForImage = <T>(run: ImageAttempt, work: () => Promise<T>): Promise<T> =>
  running.run(run, work);

/**
 * End this process, since inference that does not end holds its thread for good: nothing else ends that.
 * Its shards go to other processes, and run apart there.
 */
export async function endLateProcess(
  { logger, losses }: Pick<WorkerServices, 'logger' | 'losses'>,
  { model, seconds }: LateTask,
): Promise<never> {
  const run = running.getStore();
  logger.fatal(
    { model: run?.model ?? model, seconds, jobId: run?.jobId, imageId: run?.item.id },
    'inference did not end, and so this process does',
  );
  if (run !== undefined) {
    const recorded = losses.record(run, `did not end within ${seconds} s`).catch(() => undefined);
    await Promise.race([recorded, sleep(recordMs)]);
  }
  return endHard();
}

/** End this process at once: process.exit() waits for its threads, and so for inference that does not end. */
export function endHard(): never {
  process.kill(process.pid, 'SIGKILL');
  // The signal may take a moment to arrive.
  for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_000);
}
