import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createSharedWork } from './shared-work.js';

const stay = () => new AbortController().signal;
/** Work that ends when it is told to. */
function openWork() {
  const begun: AbortSignal[] = [];
  const ends: (() => void)[] = [];
  const work = (signal: AbortSignal) => {
    begun.push(signal);
    return new Promise<void>((resolve, reject) => {
      ends.push(resolve);
      signal.addEventListener('abort', () => reject(signal.reason));
    });
  };
  return { begun, ends, work };
}

test('who asks meanwhile takes part, and who asks afterwards begins anew', async () => {
  const shared = createSharedWork();
  const { begun, ends, work } = openWork();
  const both = Promise.all([shared.join(stay(), work), shared.join(stay(), work)]);
  ends[0]?.();
  await both;
  expect(begun).toHaveLength(1);
  const again = shared.join(stay(), work);
  ends[1]?.();
  await again;
  expect(begun).toHaveLength(2);
});

test('work goes on while somebody waits, and ends when the last one leaves', async () => {
  const shared = createSharedWork();
  const { begun, work } = openWork();
  const [first, second] = [new AbortController(), new AbortController()];
  const waits = [first, second].map(({ signal }) =>
    shared.join(signal, work).catch((error: unknown) => error),
  );
  first.abort('first left');
  expect(await waits[0]).toBe('first left');
  expect(begun[0]?.aborted).toBe(false);
  second.abort('second left');
  expect(await waits[1]).toBe('second left');
  await sleep(0);
  expect(begun[0]?.aborted).toBe(true);
});

test('who asks while given up work ends waits for its end, and then begins', async () => {
  const shared = createSharedWork();
  let isRunning = false;
  const work = async (signal: AbortSignal) => {
    expect(isRunning).toBe(false);
    isRunning = true;
    // As a statement that takes a moment to be interrupted.
    await sleep(20);
    isRunning = false;
    signal.throwIfAborted();
  };
  const leaving = new AbortController();
  const left = shared.join(leaving.signal, work).catch((error: unknown) => error);
  leaving.abort('left');
  expect(await left).toBe('left');
  await shared.join(stay(), work);
  const failing = () => Promise.reject(new Error('no disk'));
  await expect(shared.join(stay(), failing)).rejects.toThrow('no disk');
});
