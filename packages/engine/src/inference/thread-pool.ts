import type { ModelBundle } from '@umbra/shared/contracts/model';
import type { Provider } from '@umbra/shared/contracts/provider';
import { AppError, integrity } from '@umbra/shared/errors';
import type { BoxesTask, CleanMaps, CleanTask } from '../incremental/run/segments.js';
import type { Batch, OpenRequest } from './messages.js';
import { type LaneLink, type Runtime, startLane } from './thread-handle.js';

/**
 * Worker threads that run tasks side by side, each with sessions of its own.
 *
 * Inference blocks its thread, so it never runs on the main one, which has locks to renew. A lane
 * that dies fails what it had; the next task there starts a new one, which loads the model again.
 */
export type LanePool = {
  readonly lanes: number;
  /**
   * Load a model into one lane; others load it when they first need it.
   *
   * Not every lane holds a large model whole: where that would take more than `weightBytes`, fewer
   * do, with more threads each. Segments of a model, which are small, run in all.
   */
  open(digest: string, folder: string, bundle: ModelBundle): Promise<Runtime>;
  /**
   * @returns float32 [images of the batch, classes]
   * @throws {AppError} `unavailable` if the lane dies; `cancelled` once the pool is closed.
   */
  run(batch: Batch): Promise<Float32Array>;
  /** One unoccluded image by segments. @throws {AppError} As `run`. */
  runClean(digest: string, task: CleanTask): Promise<CleanMaps>;
  /** Boxes of one image by segments. @returns float32 [boxes, classes] @throws {AppError} As `run`. */
  runBoxes(digest: string, task: BoxesTask): Promise<Float32Array>;
  /** Ends the lanes after the batches that they are in; what waits is `cancelled`. */
  close(): Promise<void>;
};

/** A place for a lane, which is started when first needed. It runs one batch at a time. */
type Slot = { readonly index: number; link: LaneLink | undefined; busy: boolean };
type Waiting = {
  /** The task runs on the first so many lanes only. */
  readonly first: number;
  resolve: (slot: Slot) => void;
  reject: (error: Error) => void;
};

export type PoolOptions = {
  /** Most that the weights of one model, held whole, take in all lanes together; one has it in any case. */
  readonly weightBytes: number;
  readonly provider?: Provider;
  /** Least threads of each session of a whole network. */
  readonly threads?: number;
  /** The module that each thread runs. */
  readonly entry?: URL;
};

/** @param lanes Threads that run tasks. */
export function openLanePool(
  lanes: number,
  { weightBytes, provider = 'cpu', threads: least = 1, entry = laneEntry() }: PoolOptions,
): LanePool {
  const models = new Map<string, OpenRequest & { readonly wholeLanes: number }>();
  const slots = Array.from(
    { length: lanes },
    (_, index): Slot => ({ index, link: undefined, busy: false }),
  );
  const waiting: Waiting[] = [];
  let closed = false;

  const linkOf = (slot: Slot): LaneLink => {
    if (slot.link === undefined || slot.link.ended()) slot.link = startLane(entry);
    return slot.link;
  };
  const acquire = (first: number): Promise<Slot> => {
    if (closed) return Promise.reject(closedError());
    // From the end: the first lanes are kept for tasks that run nowhere else.
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
  /** Lanes that may hold a model whole. */
  const wholeLanes = (digest: string): number => models.get(digest)?.wholeLanes ?? lanes;
  /** Run a task on the next idle one of the first lanes. */
  const use = async <T>(
    digest: string,
    first: number,
    task: (link: LaneLink) => Promise<T>,
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
    lanes,
    async open(digest, folder, bundle) {
      if (closed) throw closedError();
      const wholeLanes = wholeLanesFor(bundle, lanes, weightBytes);
      const options = { provider, threads: Math.max(least, Math.floor(lanes / wholeLanes)) };
      models.set(digest, { kind: 'open', digest, folder, bundle, options, wholeLanes });
      try {
        return await use(digest, 1, (link) => link.load(digest));
      } catch (error) {
        models.delete(digest);
        throw error;
      }
    },
    run: (batch) => use(batch.digest, wholeLanes(batch.digest), (link) => link.run(batch)),
    runClean: (digest, task) =>
      use(digest, wholeLanes(digest), (link) => link.runClean(digest, task)),
    async runBoxes(digest, task) {
      const whole = wholeLanes(digest);
      if (whole === lanes) return use(digest, lanes, (link) => link.runBoxes(digest, task));
      const inputs = await use(digest, lanes, (link) => link.runSegments(digest, task));
      const { program, folder, stop, laneBytes } = task;
      const last = { program, folder, stop, laneBytes, inputs };
      return use(digest, whole, (link) => link.runLast(digest, last));
    },
    async close() {
      closed = true;
      for (const { reject } of waiting.splice(0)) reject(closedError());
      await Promise.all(slots.map((slot) => slot.link?.close()));
    },
  };
}

/** Lanes that can hold a model whole within the budget; threads of the others help them. */
function wholeLanesFor({ files }: ModelBundle, lanes: number, weightBytes: number): number {
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  const fitting = Math.min(lanes, Math.max(1, Math.floor(weightBytes / bytes)));
  return Math.floor(lanes / Math.ceil(lanes / fitting));
}

const closedError = (): AppError => new AppError('cancelled', 'The engine is closed');

/** Threads need compiled files: from the sources (under a test runner) the build is used. */
function laneEntry(): URL {
  const fromSource = import.meta.url.endsWith('.ts');
  return new URL(fromSource ? '../../dist/inference/thread.js' : './thread.js', import.meta.url);
}
