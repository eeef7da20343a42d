import { Worker } from 'node:worker_threads';
import { AppError, unavailable } from '@umbra/shared';
import type { Batch, LaneReply, LaneRequest, Numbered, OpenRequest } from './messages.js';
import type { BoxesTask, CleanMaps, CleanTask } from './segments.js';

export type OpenedModel = {
  readonly name: string;
  readonly version: string;
  readonly device: string;
};
/** The main thread's end of one lane. */
export type LaneLink = {
  /** True once the thread is gone. */
  ended(): boolean;
  /** Load a model unless this lane has it. A failed load is tried again when next asked for. */
  open(request: OpenRequest): Promise<OpenedModel>;
  /** @returns float32 [images of the batch, classes] */
  run(batch: Batch): Promise<Float32Array>;
  runClean(digest: string, task: CleanTask): Promise<CleanMaps>;
  /** @returns float32 [boxes, classes] */
  runBoxes(digest: string, task: BoxesTask): Promise<Float32Array>;
  /** End the thread, after the call that it is in: a native call cut short ends the process. */
  close(): Promise<void>;
};

type Pending = { resolve: (reply: LaneReply) => void; reject: (error: Error) => void };

/** @param entry The lane's compiled module. */
export function startLane(entry: URL): LaneLink {
  const worker = new Worker(entry);
  const pending = new Map<number, Pending>();
  const models = new Map<string, Promise<OpenedModel>>();
  let lastId = 0;
  let state: 'open' | 'closing' | 'ended' = 'open';
  let reason = '';
  let drained: () => void = () => undefined;

  // A lane without a task must not keep the process alive.
  worker.unref();
  worker.on('message', ({ id, content }: Numbered<LaneReply>) => settle(id)?.resolve(content));
  worker.on('error', (error: unknown) => {
    reason = `: ${error instanceof Error ? error.message : String(error)}`;
  });
  worker.on('exit', () => {
    state = 'ended';
    for (const id of [...pending.keys()]) {
      settle(id)?.reject(unavailable(`An inference thread ended unexpectedly${reason}`));
    }
  });

  const settle = (id: number): Pending | undefined => {
    const task = pending.get(id);
    pending.delete(id);
    if (pending.size === 0) {
      worker.unref();
      drained();
    }
    return task;
  };
  const ask = async (request: LaneRequest): Promise<LaneReply> => {
    if (state !== 'open') throw new AppError('cancelled', 'The engine is closed');
    const reply = await new Promise<LaneReply>((resolve, reject) => {
      lastId += 1;
      pending.set(lastId, { resolve, reject });
      worker.ref();
      worker.postMessage({ id: lastId, content: request } satisfies Numbered<LaneRequest>);
    });
    if (reply.kind === 'failed') throw new AppError(reply.error.code, reply.error.message);
    return reply;
  };
  const askRows = async (request: LaneRequest): Promise<Float32Array> => {
    const reply = await ask(request);
    if (reply.kind === 'rows') return reply.rows;
    throw new AppError('internal', `Expected rows of scores, got '${reply.kind}'`);
  };
  const load = async (request: OpenRequest): Promise<OpenedModel> => {
    try {
      const reply = await ask(request);
      if (reply.kind === 'opened') return reply;
      throw new AppError('internal', `Expected an opened model, got '${reply.kind}'`);
    } catch (error) {
      models.delete(request.digest);
      throw error;
    }
  };

  return {
    ended: () => state === 'ended',
    open(request) {
      const known = models.get(request.digest) ?? load(request);
      models.set(request.digest, known);
      return known;
    },
    run: (batch) => askRows({ kind: 'run', ...batch }),
    async runClean(digest, task) {
      const reply = await ask({ kind: 'clean', digest, ...task });
      if (reply.kind === 'maps') return reply;
      throw new AppError('internal', `Expected maps, got '${reply.kind}'`);
    },
    runBoxes: (digest, task) => askRows({ kind: 'boxes', digest, ...task }),
    async close() {
      if (state === 'ended') return;
      state = 'closing';
      if (pending.size > 0) {
        await new Promise<void>((resolve) => {
          drained = resolve;
        });
      }
      await worker.terminate();
    },
  };
}
