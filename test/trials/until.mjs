// Waits that have an end.
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Asks until the answer is neither null nor false. A question that fails is asked again.
 *
 * @template T
 * @param {string} what
 * @param {() => Promise<T | null | false>} ask
 * @param {{ timeoutMs?: number, everyMs?: number }} [options]
 * @returns {Promise<T>}
 * @throws {Error} `Expected <what> within ...`, with the last answer's error as its cause
 */
export async function until(what, ask, { timeoutMs = 30_000, everyMs = 50 } = {}) {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    /** @type {unknown} */
    let cause;
    try {
      const answer = await ask();
      if (answer !== null && answer !== false) return answer;
    } catch (error) {
      cause = error;
    }
    if (performance.now() > deadline) {
      throw new Error(`Expected ${what} within ${timeoutMs / 1000} s`, { cause });
    }
    await sleep(everyMs);
  }
}
