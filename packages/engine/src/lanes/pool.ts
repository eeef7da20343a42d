import { Worker } from 'node:worker_threads';
import { AppError, type Box, type ModelBundle, type Size, unavailable } from '@umbra/shared';
import type { LaneReply, LaneRequest } from './messages.js';

export type OpenedModel = {
  readonly name: string;
  readonly version: string;
  readonly device: string;
};
export type Batch = {
  readonly digest: string;
  readonly image: SharedArrayBuffer;
  readonly size: Size;
  readonly boxes: readonly Box[];
  readonly values: readonly number[];
};

/**
 * Worker threads that run batches side by side, each with one single-threaded session a model.
 *
 * Inference blocks its thread, so it never runs on the main one, which has locks to renew. A lane
 * that dies fails the batch it had and is replaced; its models are loaded again.
 */
export type LanePool = {
  readonly lanes: number;
  open(digest: string, folder: string, bundle: ModelBundle): Promise<OpenedModel>;
  /** @returns float32 [boxes, classes] */
  run(batch: Batch): Promise<Float32Array>;
  close(): Promise<void>;
};

type Lane = { worker: Worker; ready: Promise<OpenedModel[]>; busy: boolean };
type Waiting = { resolve: (lane: Lane) => void; reject: (error: Error) => void };

export function openLanePool(lanes: number): LanePool {
  const models = new Map<string, Extract<LaneRequest, { kind: 'open' }>>();
  const waiting: Waiting[] = [];
  let closed = false;
  let pool: Lane[] = [];

  const start = (): Lane => {
    const worker = new Worker(laneEntry());
    // A lane without a task must not keep the process alive, nor end it with an unheard error.
    worker.unref();
    worker.on('error', () => undefined);
    const lane: Lane = { worker, ready: Promise.resolve([]), busy: false };
    lane.ready = [...models.values()].reduce<Promise<OpenedModel[]>>(
      async (before, request) => [...(await before), await openOn(worker, request)],
      lane.ready,
    );
    lane.ready.catch(() => undefined);
    worker.on('exit', () => {
      if (!closed) pool = pool.map((other) => (other === lane ? start() : other));
    });
    return lane;
  };
  const acquire = (): Promise<Lane> => {
    if (closed) return Promise.reject(new AppError('cancelled', 'The engine is closed'));
    const idle = pool.find((lane) => !lane.busy);
    if (idle === undefined)
      return new Promise((resolve, reject) => waiting.push({ resolve, reject }));
    idle.busy = true;
    return Promise.resolve(idle);
  };
  const release = (lane: Lane): void => {
    lane.busy = false;
    // The lane may have died and been replaced meanwhile.
    const free = pool.includes(lane) ? lane : pool.find((other) => !other.busy);
    const next = free === undefined ? undefined : waiting.shift();
    if (free === undefined || next === undefined) return;
    free.busy = true;
    next.resolve(free);
  };

  pool = Array.from({ length: lanes }, start);
  return {
    lanes,
    async open(digest, folder, bundle) {
      const request = { kind: 'open', digest, folder, bundle } as const;
      const opened = await Promise.all(pool.map((lane) => openOn(lane.worker, request)));
      models.set(digest, request);
      return opened[0] ?? { name: 'none', version: '', device: '' };
    },
    async run(batch) {
      const lane = await acquire();
      try {
        await lane.ready;
        const reply = await ask(lane.worker, { kind: 'run', ...batch });
        if (reply.kind !== 'rows') throw new AppError('internal', `Unexpected '${reply.kind}'`);
        return reply.rows;
      } finally {
        release(lane);
      }
    },
    async close() {
      closed = true;
      for (const { reject } of waiting.splice(0)) {
        reject(new AppError('cancelled', 'The engine is closed'));
      }
      await Promise.all(pool.map((lane) => lane.worker.terminate()));
    },
  };
}

async function openOn(worker: Worker, request: LaneRequest): Promise<OpenedModel> {
  const reply = await ask(worker, request);
  if (reply.kind !== 'opened') throw new AppError('internal', `Unexpected '${reply.kind}'`);
  return reply;
}

/** One request, one reply: a lane never has two tasks at once, so replies need no numbers. */
function ask(worker: Worker, request: LaneRequest): Promise<LaneReply> {
  return new Promise((resolve, reject) => {
    const died = () => settle(() => reject(unavailable('An inference thread ended unexpectedly')));
    const replied = (reply: LaneReply) =>
      settle(() =>
        reply.kind === 'failed'
          ? reject(new AppError(reply.error.code, reply.error.message))
          : resolve(reply),
      );
    const settle = (finish: () => void) => {
      worker.off('message', replied).off('exit', died);
      worker.unref();
      finish();
    };
    worker.on('message', replied).on('exit', died);
    worker.ref();
    worker.postMessage(request);
  });
}

/** Threads need compiled files: from the sources (under a test runner) the build is used. */
function laneEntry(): URL {
  const fromSource = import.meta.url.endsWith('.ts');
  return new URL(fromSource ? '../../dist/lanes/lane.js' : './lane.js', import.meta.url);
}
