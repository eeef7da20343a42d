import { setTimeout as sleep } from 'node:timers/promises';
import { isOutage } from '@umbra/platform/faults';

const everyMs = 1_000;
const totalMs = 20_000;

/** Repeat a write for a while that an outage refuses. @throws Its error after that, or any other. */
export async function outlast<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
  const deadline = Date.now() + totalMs;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!isOutage(error) || signal.aborted || Date.now() > deadline) throw error;
      await sleep(everyMs, undefined, { signal }).catch(() => undefined);
    }
  }
}
