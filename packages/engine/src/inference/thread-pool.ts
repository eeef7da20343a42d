import { builtFile } from '@umbra/shared/built-file';
import { AppError } from '@umbra/shared/errors';
import { startThread, type ThreadHandle } from './thread-handle.js';

/**
 * Worker threads that run tasks side by side.
 *
 * Inference blocks its thread, so it never runs on the main one, which has locks to renew. A thread
 * that dies fails what it had; the next task there starts a new one.
 */
export type ThreadPool = {
  readonly inferenceThreads: number;
  /** Start every thread ahead of a run; otherwise the first task of each starts it. */
  start(): void;
  /**
   * Run a task on an idle thread, which runs one at a time.
   *
   * @param firstThreads The task runs on the first so many threads only; on any if left out.
   * @throws {AppError} `internal` if the thread dies; `cancelled` once the pool is closed.
   */
  run<T>(task: (thread: ThreadHandle) => Promise<T>, firstThreads?: number): Promise<T>;
  /** End the threads after the tasks that they run; what waits is `cancelled`. */
  close(): Promise<void>;
};

/** A place for a thread, which is started when first needed. */
type Slot = { readonly index: number; thread: ThreadHandle | undefined; busy: boolean };
type WaitingTask = {
  readonly firstThreads: number;
  resolve: (slot: Slot) => void;
  reject: (error: Error) => void;
};

/**
 * @param inferenceThreads Threads that run tasks, at most.
 * @param entry The module that each thread runs.
 */
export function openThreadPool(
  inferenceThreads: number,
  entry = builtFile(import.meta.url, 'thread'),
): ThreadPool {
  const slots = Array.from(
    { length: inferenceThreads },
    (_, index): Slot => ({ index, thread: undefined, busy: false }),
  );
  const waiting: WaitingTask[] = [];
  let closed = false;

  const threadOf = (slot: Slot): ThreadHandle => {
    if (slot.thread === undefined || slot.thread.ended()) slot.thread = startThread(entry);
    return slot.thread;
  };
  const acquire = (firstThreads: number): Promise<Slot> => {
    if (closed) return Promise.reject(closedError());
    // From the end: the first threads are kept for tasks that run nowhere else.
    const idle = slots.findLast(({ index, busy }) => index < firstThreads && !busy);
    if (idle === undefined) {
      return new Promise((resolve, reject) => waiting.push({ firstThreads, resolve, reject }));
    }
    idle.busy = true;
    return Promise.resolve(idle);
  };
  const release = (slot: Slot): void => {
    const next = waiting.findIndex(({ firstThreads }) => slot.index < firstThreads);
    slot.busy = next >= 0;
    if (next >= 0) waiting.splice(next, 1)[0]?.resolve(slot);
  };

  return {
    inferenceThreads,
    start() {
      if (!closed) slots.forEach(threadOf);
    },
    async run(task, firstThreads = inferenceThreads) {
      const slot = await acquire(firstThreads);
      try {
        if (closed) throw closedError();
        return await task(threadOf(slot));
      } finally {
        release(slot);
      }
    },
    async close() {
      closed = true;
      for (const { reject } of waiting.splice(0)) reject(closedError());
      await Promise.all(slots.map((slot) => slot.thread?.close()));
    },
  };
}

const closedError = (): AppError => new AppError('cancelled', 'The engine is closed');
