import type { ModelBundle } from '@umbra/shared/contracts/model';
import type { Provider } from '@umbra/shared/contracts/provider';
import { AppError, integrity } from '@umbra/shared/errors';
import type { BaselineMaps, BaselineTask, BoxesTask } from '../incremental/run/segments.js';
import type { Batch, OpenRequest } from './messages.js';
import { type Runtime, startThread, type ThreadHandle } from './thread-handle.js';

/**
 * Worker threads that run tasks side by side, each with sessions of its own.
 *
 * Inference blocks its thread, so it never runs on the main one, which has locks to renew. A thread
 * that dies fails what it had; the next task there starts a new one, which loads the model again.
 */
export type ThreadPool = {
  readonly inferenceThreads: number;
  /** Start every thread, for a run that is about to follow; otherwise the first task of each starts it. */
  start(): void;
  /**
   * Load a model into one thread; others load it when they first need it.
   *
   * Not every thread holds a large model whole: where that would take more than `weightBytes`, fewer
   * do, with more threads each. Segments of a model, which are small, run in all.
   */
  open(digest: string, folder: string, bundle: ModelBundle): Promise<Runtime>;
  /**
   * @returns float32 [images of the batch, classes]
   * @throws {AppError} `unavailable` if the thread dies; `cancelled` once the pool is closed.
   */
  run(batch: Batch): Promise<Float32Array>;
  /** One unoccluded image by segments. @throws {AppError} As `run`. */
  runBaseline(digest: string, task: BaselineTask): Promise<BaselineMaps>;
  /** Boxes of one image by segments. @returns float32 [boxes, classes] @throws {AppError} As `run`. */
  runBoxes(digest: string, task: BoxesTask): Promise<Float32Array>;
  /** Ends the threads after the batches that they are in; what waits is `cancelled`. */
  close(): Promise<void>;
};

/** A place for a thread, which is started when first needed. It runs one batch at a time. */
type Slot = { readonly index: number; link: ThreadHandle | undefined; busy: boolean };
type Waiting = {
  /** The task runs on the first so many threads only. */
  readonly first: number;
  resolve: (slot: Slot) => void;
  reject: (error: Error) => void;
};

export type PoolOptions = {
  /** Most that the weights of one model, held whole, take in all threads together; one has it in any case. */
  readonly weightBytes: number;
  readonly provider?: Provider;
  /** Least threads of each session of a whole network. */
  readonly sessionThreads?: number;
  /** The module that each thread runs. */
  readonly entry?: URL;
};

/** @param threads Threads that run tasks. */
export function openThreadPool(
  inferenceThreads: number,
  { weightBytes, provider = 'cpu', sessionThreads: least = 1, entry = threadEntry() }: PoolOptions,
): ThreadPool {
  const models = new Map<string, OpenRequest & { readonly wholeModelThreads: number }>();
  const slots = Array.from(
    { length: inferenceThreads },
    (_, index): Slot => ({ index, link: undefined, busy: false }),
  );
  const waiting: Waiting[] = [];
  let closed = false;

  const linkOf = (slot: Slot): ThreadHandle => {
    if (slot.link === undefined || slot.link.ended()) slot.link = startThread(entry);
    return slot.link;
  };
  const acquire = (first: number): Promise<Slot> => {
    if (closed) return Promise.reject(closedError());
    // From the end: the first threads are kept for tasks that run nowhere else.
    const idle = slots.findLast(({ index, busy }) => index < first && !busy);
    if (idle === undefined)
      return new Promise((resolve, reject) => waiting.push({ first, resolve, reject }));
    idle.busy = true;
    return Promise.resolve(idle);
  };
  const release = (slot: Slot): void => {
    const next = waiting.findIndex(({ first }) => slot.index < first);
    slot.busy = next >= 0;
    if (next >= 0) waiting.splice(next, 1)[0]?.resolve(slot);
  };
  /** Threads that may hold a model whole. */
  const wholeModelThreads = (digest: string): number =>
    models.get(digest)?.wholeModelThreads ?? inferenceThreads;
  /** Run a task on the next idle one of the first threads. */
  const use = async <T>(
    digest: string,
    first: number,
    task: (link: ThreadHandle) => Promise<T>,
  ): Promise<T> => {
    const model = models.get(digest);
    if (model === undefined) throw integrity(`Model ${digest} is not open`);
    const slot = await acquire(first);
    try {
      if (closed) throw closedError();
      const link = linkOf(slot);
      await link.open(model);
      return await task(link);
    } finally {
      release(slot);
    }
  };

  return {
    inferenceThreads,
    start() {
      if (!closed) slots.forEach(linkOf);
    },
    async open(digest, folder, bundle) {
      if (closed) throw closedError();
      const wholeModelThreads = wholeModelThreadsFor(bundle, inferenceThreads, weightBytes);
      const options = {
        provider,
        sessionThreads: Math.max(least, Math.floor(inferenceThreads / wholeModelThreads)),
      };
      models.set(digest, { kind: 'open', digest, folder, bundle, options, wholeModelThreads });
      try {
        return await use(digest, 1, (link) => link.load(digest));
      } catch (error) {
        models.delete(digest);
        throw error;
      }
    },
    run: (batch) => use(batch.digest, wholeModelThreads(batch.digest), (link) => link.run(batch)),
    runBaseline: (digest, task) =>
      use(digest, wholeModelThreads(digest), (link) => link.runBaseline(digest, task)),
    async runBoxes(digest, task) {
      const whole = wholeModelThreads(digest);
      if (whole === inferenceThreads)
        return use(digest, inferenceThreads, (link) => link.runBoxes(digest, task));
      const inputs = await use(digest, inferenceThreads, (link) => link.runSegments(digest, task));
      const { program, folder, stop, threadBytes } = task;
      const last = { program, folder, stop, threadBytes, inputs };
      return use(digest, whole, (link) => link.runLast(digest, last));
    },
    async close() {
      closed = true;
      for (const { reject } of waiting.splice(0)) reject(closedError());
      await Promise.all(slots.map((slot) => slot.link?.close()));
    },
  };
}

/** Threads that can hold a model whole within the budget; threads of the others help them. */
function wholeModelThreadsFor(
  { files }: ModelBundle,
  inferenceThreads: number,
  weightBytes: number,
): number {
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  const fitting = Math.min(inferenceThreads, Math.max(1, Math.floor(weightBytes / bytes)));
  return Math.floor(inferenceThreads / Math.ceil(inferenceThreads / fitting));
}

const closedError = (): AppError => new AppError('cancelled', 'The engine is closed');

/** Threads need compiled files: from the sources (under a test runner) the build is used. */
function threadEntry(): URL {
  const fromSource = import.meta.url.endsWith('.ts');
  return new URL(fromSource ? '../../dist/inference/thread.js' : './thread.js', import.meta.url);
}
