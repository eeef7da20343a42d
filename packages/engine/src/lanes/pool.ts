import { AppError, integrity, type ModelBundle } from '@umbra/shared';
import { type LaneLink, type OpenedModel, startLane } from './link.js';
import type { Batch, OpenRequest } from './messages.js';
import type { BoxesTask, CleanMaps, CleanTask } from './segments.js';

/**
 * Worker threads that run batches side by side, each with one single-threaded session a model.
 *
 * Inference blocks its thread, so it never runs on the main one, which has locks to renew. A lane
 * that dies fails what it had; the next task there starts a new one, which loads the model again.
 */
export type LanePool = {
  readonly lanes: number;
  open(digest: string, folder: string, bundle: ModelBundle): Promise<OpenedModel>;
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
type Slot = { link: LaneLink | undefined; busy: boolean };
type Waiting = { resolve: (slot: Slot) => void; reject: (error: Error) => void };

/** @param entry The module that each thread runs. */
export function openLanePool(lanes: number, entry: URL = laneEntry()): LanePool {
  const models = new Map<string, OpenRequest>();
  const slots = Array.from({ length: lanes }, (): Slot => ({ link: undefined, busy: false }));
  const waiting: Waiting[] = [];
  let closed = false;

  const linkOf = (slot: Slot): LaneLink => {
    if (slot.link === undefined || slot.link.ended()) slot.link = startLane(entry);
    return slot.link;
  };
  const acquire = (): Promise<Slot> => {
    if (closed) return Promise.reject(closedError());
    const idle = slots.find((slot) => !slot.busy);
    if (idle === undefined)
      return new Promise((resolve, reject) => waiting.push({ resolve, reject }));
    idle.busy = true;
    return Promise.resolve(idle);
  };
  const release = (slot: Slot): void => {
    const next = waiting.shift();
    slot.busy = next !== undefined;
    next?.resolve(slot);
  };
  /** Run a task on the next idle lane. */
  const use = async <T>(digest: string, task: (link: LaneLink) => Promise<T>): Promise<T> => {
    const slot = await acquire();
    try {
      const model = models.get(digest);
      if (model === undefined) throw integrity(`Model ${digest} is not open`);
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
      const request = { kind: 'open', digest, folder, bundle } as const;
      const [opened] = await Promise.all(slots.map((slot) => linkOf(slot).open(request)));
      if (opened === undefined) throw new AppError('internal', `Expected lanes, got ${lanes}`);
      models.set(digest, request);
      return opened;
    },
    run: (batch) => use(batch.digest, (link) => link.run(batch)),
    runClean: (digest, task) => use(digest, (link) => link.runClean(digest, task)),
    runBoxes: (digest, task) => use(digest, (link) => link.runBoxes(digest, task)),
    async close() {
      closed = true;
      for (const { reject } of waiting.splice(0)) reject(closedError());
      await Promise.all(slots.map((slot) => slot.link?.close()));
    },
  };
}

const closedError = (): AppError => new AppError('cancelled', 'The engine is closed');

/** Threads need compiled files: from the sources (under a test runner) the build is used. */
function laneEntry(): URL {
  const fromSource = import.meta.url.endsWith('.ts');
  return new URL(fromSource ? '../../dist/lanes/lane.js' : './lane.js', import.meta.url);
}
