import type { ModelBundle } from '@umbra/shared/contracts/model';
import type { Provider, TfjsChoice } from '@umbra/shared/contracts/provider';
import type { SegmentRunner } from '../incremental/types.js';
import type { FeaturesTask } from '../network/types.js';
import type { BatchRunner } from '../occlusion/evaluate.js';
import type { OpenRequest } from './messages.js';
import type { Runtime, ThreadHandle } from './thread-handle.js';
import type { ThreadPool } from './thread-pool.js';
import { type TaskDeadline, watchTasks } from './watch-tasks.js';

/** Runs one model's batches and segments on the threads of a pool. */
export type ModelThreads = BatchRunner &
  SegmentRunner & {
    /** Load the whole model into one thread. @throws {AppError} What loading it throws. */
    load(): Promise<Runtime>;
    /** @returns float32 [images, channels] */
    runFeatures(task: FeaturesTask): Promise<Float32Array>;
  };

export type StoredModel = {
  readonly digest: string;
  readonly folder: string;
  readonly bundle: ModelBundle;
};

export type ModelThreadsOptions = {
  /** Limit for the weights of the model, held whole, in all threads together; one has it in any case. */
  readonly weightBytes: number;
  readonly provider?: Provider;
  readonly tfjs?: TfjsChoice;
  /** Threads of each session of the whole network, at least. */
  readonly sessionThreads?: number;
  /** How long each task may take; no limit if left out. */
  readonly deadline?: TaskDeadline | undefined;
};

/**
 * Give a model the threads of a pool; each loads it when it first needs it, and so does a thread that
 * is started anew.
 *
 * Not every thread holds a large model whole: where that would take more than `weightBytes`, fewer
 * do, with more threads each. Segments of a model, which are small, run in all.
 *
 * Every call throws as `ThreadPool.run`.
 */
export function createModelThreads(
  pool: ThreadPool,
  { digest, folder, bundle }: StoredModel,
  options: ModelThreadsOptions,
): ModelThreads {
  const { weightBytes, provider = 'cpu', tfjs = 'auto', sessionThreads = 1, deadline } = options;
  const { inferenceThreads } = pool;
  const wholeThreads = wholeModelThreads(bundle, inferenceThreads, weightBytes);
  const request: OpenRequest = {
    kind: 'open',
    digest,
    folder,
    bundle,
    options: {
      provider,
      tfjs,
      sessionThreads: Math.max(sessionThreads, Math.floor(inferenceThreads / wholeThreads)),
    },
  };
  const watch = deadline === undefined ? undefined : watchTasks(digest, deadline);
  const runOn = <T>(firstThreads: number, task: (thread: ThreadHandle) => Promise<T>): Promise<T> =>
    pool.run((thread) => {
      const run = async () => {
        await thread.open(request);
        return task(thread);
      };
      return watch === undefined ? run() : watch(run);
    }, firstThreads);

  return {
    inferenceThreads,
    load: () => runOn(1, (thread) => thread.load(digest)),
    run: (batch) => runOn(wholeThreads, (thread) => thread.run(digest, batch)),
    runBaseline: (task) => runOn(wholeThreads, (thread) => thread.runBaseline(digest, task)),
    runFeatures: (task) => runOn(wholeThreads, (thread) => thread.runFeatures(digest, task)),
    runShapeProbe: (task) => runOn(1, (thread) => thread.runShapeProbe(digest, task)),
    async runBoxes(task) {
      if (wholeThreads === inferenceThreads) {
        return runOn(inferenceThreads, (thread) => thread.runBoxes(digest, task));
      }
      const inputs = await runOn(inferenceThreads, (thread) => thread.runSegments(digest, task));
      const { program, folder: weights, stop, threadBytes } = task;
      const last = { program, folder: weights, stop, threadBytes, inputs };
      return runOn(wholeThreads, (thread) => thread.runLast(digest, last));
    },
  };
}

/** Count the threads that can hold a model whole within the budget; the others help them. */
function wholeModelThreads(
  { files }: ModelBundle,
  inferenceThreads: number,
  weightBytes: number,
): number {
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  const fitting = Math.min(inferenceThreads, Math.max(1, Math.floor(weightBytes / bytes)));
  return Math.floor(inferenceThreads / Math.ceil(inferenceThreads / fitting));
}
