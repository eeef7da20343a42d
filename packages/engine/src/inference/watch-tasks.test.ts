import { AsyncLocalStorage } from 'node:async_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type LateTask, watchTasks } from './watch-tasks.js';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const never = () => new Promise<never>(() => undefined);

test('a task that does not end is told of once, in the context of who asked for it', async () => {
  vi.useRealTimers();
  const context = new AsyncLocalStorage<string>();
  const told: (LateTask & { readonly by: string | undefined })[] = [];
  const watch = watchTasks('digest', {
    minMs: 100,
    onLate: (late) => told.push({ ...late, by: context.getStore() }),
  });
  void context.run('one', () => watch(never));
  expect(told).toEqual([]);
  await vi.waitFor(() => expect(told).not.toEqual([]), 10_000);
  await sleep(200);
  expect(told).toEqual([{ model: 'digest', seconds: 0.1, by: 'one' }]);
});

test('a slow model has 20 times the median of its tasks', async () => {
  const told: LateTask[] = [];
  const watch = watchTasks('digest', { minMs: 1_000, onLate: (late) => told.push(late) });
  for (const ms of [100, 500, 900]) {
    const task = watch(() => new Promise((resolve) => setTimeout(resolve, ms)));
    await vi.advanceTimersByTimeAsync(ms);
    await task;
  }
  void watch(never);
  await vi.advanceTimersByTimeAsync(9_500);
  expect(told).toEqual([]);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(told).toEqual([{ model: 'digest', seconds: 10 }]);
});

test('a process that was frozen finds no task late', async () => {
  vi.useRealTimers();
  const told: LateTask[] = [];
  const watch = watchTasks('digest', { minMs: 200, onLate: (late) => told.push(late) });
  const task = watch(() => sleep(50));
  // As after a freeze: the clock has gone on, and nothing else has.
  const until = performance.now() + 500;
  while (performance.now() < until);
  await task;
  expect(told).toEqual([]);
});
