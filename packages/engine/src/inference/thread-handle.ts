import { Worker } from 'node:worker_threads';
import '../backends/no-telemetry.js';
import { AppError } from '@umbra/shared/errors';
import type { TensorShape } from '../graph/graph.js';
import type {
  BaselineMaps,
  BaselineTask,
  BoxesTask,
  LastInputs,
  LastTask,
  ShapeProbeTask,
} from '../incremental/types.js';
import type { FeaturesTask } from '../network/types.js';
import type { ImageBatch } from '../occlusion/image-batch.js';
import { buffersOf } from './buffers.js';
import type { Numbered, OpenRequest, ThreadReply, ThreadRequest } from './messages.js';

/** The runtime that loaded a model. */
export type Runtime = {
  readonly name: string;
  readonly version: string;
  readonly device: string;
};

/** The main thread's end of one thread. */
export type ThreadHandle = {
  /** True once the thread is gone. */
  ended(): boolean;
  /** Describe a model to the thread, unless it knows the model. */
  open(request: OpenRequest): Promise<void>;
  /** Load a model that is open. */
  load(digest: string): Promise<Runtime>;
  /** @returns float32 [images of the batch, classes] */
  run(digest: string, batch: ImageBatch): Promise<Float32Array>;
  runBaseline(digest: string, task: BaselineTask): Promise<BaselineMaps>;
  /** @returns float32 [boxes, classes] */
  runBoxes(digest: string, task: BoxesTask): Promise<Float32Array>;
  /** Run boxes up to the last stage. */
  runSegments(digest: string, task: BoxesTask): Promise<LastInputs>;
  /** Run the last stage by itself. @returns float32 [boxes, classes] */
  runLast(digest: string, task: LastTask): Promise<Float32Array>;
  runShapeProbe(digest: string, task: ShapeProbeTask): Promise<ReadonlyMap<string, TensorShape>>;
  /** @returns float32 [images, channels] */
  runFeatures(digest: string, task: FeaturesTask): Promise<Float32Array>;
  /** End the thread, after the call that it is in: a native call cut short ends the process. */
  close(): Promise<void>;
};

type Pending = { resolve: (reply: ThreadReply) => void; reject: (error: Error) => void };

/** @param entry The thread's compiled module. */
export function startThread(entry: URL): ThreadHandle {
  const worker = new Worker(entry);
  const pending = new Map<number, Pending>();
  const models = new Map<string, Promise<ThreadReply>>();
  let lastId = 0;
  let state: 'open' | 'closing' | 'ended' = 'open';
  let reason = '';
  let drained: () => void = () => undefined;

  // A thread without a task must not keep the process alive.
  worker.unref();
  worker.on('message', ({ id, content }: Numbered<ThreadReply>) => settle(id)?.resolve(content));
  worker.on('error', (error: unknown) => {
    reason = `: ${error instanceof Error ? error.message : String(error)}`;
  });
  worker.on('exit', () => {
    state = 'ended';
    for (const id of [...pending.keys()]) {
      settle(id)?.reject(
        new AppError('internal', `An inference thread ended unexpectedly${reason}`),
      );
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
  const ask = async (
    request: ThreadRequest,
    transfer: ArrayBuffer[] = [],
  ): Promise<ThreadReply> => {
    if (state !== 'open') throw new AppError('cancelled', 'The engine is closed');
    const reply = await new Promise<ThreadReply>((resolve, reject) => {
      lastId += 1;
      pending.set(lastId, { resolve, reject });
      worker.ref();
      const message: Numbered<ThreadRequest> = { id: lastId, content: request };
      worker.postMessage(message, transfer);
    });
    if (reply.kind === 'failed') throw new AppError(reply.error.code, reply.error.message);
    return reply;
  };
  /** @throws {AppError} `internal` if the reply is of another kind. */
  const askFor = async <K extends ThreadReply['kind']>(
    kind: K,
    request: ThreadRequest,
    transfer?: ArrayBuffer[],
  ): Promise<Extract<ThreadReply, { kind: K }>> => {
    const reply = await ask(request, transfer);
    if (isOf(kind, reply)) return reply;
    throw new AppError('internal', `Expected a thread to reply '${kind}', got '${reply.kind}'`);
  };

  return {
    ended: () => state === 'ended',
    async open(request) {
      const known = models.get(request.digest) ?? ask(request);
      models.set(request.digest, known);
      await known;
    },
    load: (digest) => askFor('loaded', { kind: 'load', digest }),
    async run(digest, batch) {
      return (await askFor('outputs', { kind: 'run', digest, ...batch })).outputs;
    },
    runBaseline: (digest, task) => askFor('maps', { kind: 'baseline', digest, ...task }),
    async runBoxes(digest, task) {
      return (await askFor('outputs', { kind: 'boxes', digest, ...task })).outputs;
    },
    async runSegments(digest, task) {
      return (await askFor('inputs', { kind: 'segments', digest, ...task })).inputs;
    },
    async runLast(digest, task) {
      const request = { kind: 'last', digest, ...task } as const;
      return (await askFor('outputs', request, buffersOf(task.inputs))).outputs;
    },
    async runShapeProbe(digest, task) {
      return (await askFor('shapes', { kind: 'shapes', digest, ...task })).shapes;
    },
    async runFeatures(digest, task) {
      return (await askFor('outputs', { kind: 'features', digest, ...task })).outputs;
    },
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

const isOf = <K extends ThreadReply['kind']>(
  kind: K,
  reply: ThreadReply,
): reply is Extract<ThreadReply, { kind: K }> => reply.kind === kind;
