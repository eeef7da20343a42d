import { getEventListeners } from 'node:events';
import { expect, test } from 'vitest';
import { throwIfAborted, untilAborted } from './abort.js';

test('a signal rejects at once, whatever the work still does', async () => {
  const controller = new AbortController();
  const endless = new Promise<never>(() => undefined);
  const run = untilAborted(endless, controller.signal);
  controller.abort();
  await expect(run).rejects.toMatchObject({ code: 'cancelled' });
  expect(() => throwIfAborted(controller.signal)).toThrow('cancelled');
});

test('work that ends leaves no listener behind', async () => {
  const { signal } = new AbortController();
  await expect(untilAborted(Promise.resolve(3), signal)).resolves.toBe(3);
  await expect(untilAborted(Promise.reject(new Error('broken')), signal)).rejects.toThrow('broken');
  await new Promise(setImmediate);
  expect(getEventListeners(signal, 'abort')).toHaveLength(0);
});
