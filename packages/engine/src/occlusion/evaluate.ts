import type { ModelBundle } from '@umbra/shared/contracts/model';
import type { OcclusionSettings } from '@umbra/shared/contracts/settings';
import { integrity, invalidInput } from '@umbra/shared/errors';
import type { Box, Size } from '@umbra/shared/occlusion/grid';
import type { Incremental, NetworkPlan } from '../incremental/incremental.js';
import type { ThreadPool } from '../inference/thread-pool.js';
import { throwIfAborted, untilAborted } from './abort.js';
import type { BaselineOutputs } from './baseline-outputs.js';

export type EvaluatedModel = {
  readonly pool: ThreadPool;
  readonly digest: string;
  readonly bundle: ModelBundle;
  /** Length of one output row. */
  readonly classes: number;
  /** Budget for the batches of all threads together, bytes. */
  readonly batchBytes: number;
  readonly incremental: Incremental;
  readonly baselineOutputs: BaselineOutputs;
};

/** What running the network whole takes. */
export type WholeModel = Omit<EvaluatedModel, 'incremental' | 'baselineOutputs' | 'pool'> & {
  readonly pool: Pick<ThreadPool, 'inferenceThreads' | 'run'>;
};

/** One image in memory that all threads see: no batch copies it between threads. */
export type SharedImage = {
  /** float32, one image in the bundle's layout, normalised. */
  readonly original: SharedArrayBuffer;
  /** The same layout: where pixels under a box are copied from. */
  readonly filled: SharedArrayBuffer;
  readonly size: Size;
};

export type EvaluateOptions = {
  readonly signal?: AbortSignal | undefined;
  /** How boxes are run, and the largest patch, for which segments are planned; dense if left out. */
  readonly way?: Way;
  /** Called once for each batch, in any order. `rows` is float32 [n, classes], of places `start` on. */
  readonly onRows: (start: number, rows: Float32Array) => void;
};

export type Way = { readonly strategy: OcclusionSettings['strategy']; readonly patch: Size };

/** Pixels whose rank is in `[from, to)`. */
export type RankRange = { readonly from: number; readonly to: number };

export const nowhere: Box = { top: 0, left: 0, bottom: 0, right: 0 };
const noRank: RankRange = { from: 0, to: 0 };

/** Larger batches are no faster on a CPU, and a short batch hears a cancellation soon. */
const maxBatch = 8;
/**
 * Runtimes multiply a single row by another routine than several, with other rounding. No batch
 * has fewer images, so that rows never depend on what they were batched with.
 */
const smallestBatch = 2;
/** Activations of a convolutional network, as a multiple of its input: generous for VGG16. */
const activationFactor = 75;

/**
 * Run the network with the pixels of one box at a time replaced.
 *
 * A row depends on its own box only: not on the order, the batch, or the number of threads. An empty
 * box is the clean image.
 *
 * @throws {AppError} `cancelled` within one batch of the signal; `unavailable` if a thread dies.
 */
export async function evaluate(
  model: EvaluatedModel,
  image: SharedImage,
  boxes: readonly Box[],
  options: EvaluateOptions,
): Promise<void> {
  const plan = await planFor(model, image.size, options.way);
  if (plan !== null) return model.incremental.evaluate(plan, image, boxes, options);
  return runBatches(model, image, boxes.length, options, (start, end) => {
    const batch = padBatch(boxes.slice(start, end), nowhere);
    return model.pool.run({ digest: model.digest, ...image, boxes: batch });
  });
}

/** Modelled gains below this may be none in truth. */
const minGain = 1.15;

/**
 * The segments to run by; null if the network is to run whole.
 *
 * @throws {AppError} `invalid_input` if incremental is asked for and no segment can be cut out.
 */
export async function planFor(
  { incremental, bundle }: Pick<EvaluatedModel, 'incremental' | 'bundle'>,
  size: Size,
  way: Way | undefined,
): Promise<NetworkPlan | null> {
  if (way === undefined || way.strategy === 'dense') return null;
  const plan = await incremental.plan(size, way.patch);
  const possible = plan !== null && plan.segments.length > 0;
  if (way.strategy === 'auto') return possible && plan.gain >= minGain ? plan : null;
  if (possible) return plan;
  throw invalidInput(
    `Expected strategy 'auto' or 'dense', since no part of model '${bundle.name}' can be run on windows alone, got 'incremental'`,
  );
}

/**
 * Run the network with arbitrary sets of pixels replaced, each given as a range of ranks.
 *
 * @param ranks int32 [height, width], a rank a pixel.
 * @throws {AppError} As `evaluate`.
 */
export function evaluateRanks(
  model: WholeModel,
  image: SharedImage,
  ranks: SharedArrayBuffer,
  ranges: readonly RankRange[],
  options: EvaluateOptions,
): Promise<void> {
  return runBatches(model, image, ranges.length, options, (start, end) => {
    const batch = padBatch(ranges.slice(start, end), noRank);
    return model.pool.run({ digest: model.digest, ...image, ranks, ranges: batch });
  });
}

/**
 * The unoccluded image's row. Where the network runs whole, it is kept for the image's other shards; by
 * segments, its maps are.
 *
 * @throws {AppError} `integrity` if it holds NaN.
 */
export async function evaluateBaseline(
  model: EvaluatedModel,
  image: SharedImage,
  { signal, way }: Pick<EvaluateOptions, 'signal' | 'way'>,
): Promise<Float32Array> {
  if ((await planFor(model, image.size, way)) !== null) {
    return runBaseline(model, image, { signal, ...(way && { way }) });
  }
  // Without the signal: other shards may wait for the same row.
  return untilAborted(
    model.baselineOutputs.get(image, () => runBaseline(model, image, {})),
    signal,
  );
}

async function runBaseline(
  model: EvaluatedModel,
  image: SharedImage,
  options: Pick<EvaluateOptions, 'signal' | 'way'>,
): Promise<Float32Array> {
  let row = new Float32Array();
  const onRows = (_: number, rows: Float32Array) => {
    row = rows.slice(0, model.classes);
  };
  await evaluate(model, image, [nowhere], { ...options, onRows });
  if (row.some(Number.isNaN)) {
    throw integrity(`Model '${model.bundle.name}' gives NaN for this image`);
  }
  return row;
}

/** How many classes a model gives, by one forward pass of a blank image. */
export async function countClasses(
  pool: ThreadPool,
  digest: string,
  bundle: ModelBundle,
): Promise<number> {
  const { height, width } = bundle.input;
  const original = new SharedArrayBuffer(3 * height * width * 4);
  const boxes = padBatch([nowhere], nowhere);
  const rows = await pool.run({
    digest,
    original,
    filled: original,
    size: { height, width },
    boxes,
  });
  if (rows.some(Number.isNaN)) {
    throw integrity(`Model '${bundle.name}' gives NaN on a blank image: its weights are broken`);
  }
  return rows.length / boxes.length;
}

/** Images a batch, from the share of the budget that one thread has. */
export function batchSize(threadBytes: number, imageBytes: number): number {
  const fitting = Math.floor(threadBytes / (imageBytes * activationFactor));
  return Math.max(smallestBatch, Math.min(maxBatch, fitting));
}

/** Copy a tensor to memory that threads can see. */
export function share(tensor: Float32Array): SharedArrayBuffer {
  const shared = new SharedArrayBuffer(tensor.byteLength);
  new Float32Array(shared).set(tensor);
  return shared;
}

async function runBatches(
  { pool, batchBytes, classes }: WholeModel,
  image: SharedImage,
  count: number,
  { signal, onRows }: EvaluateOptions,
  run: (start: number, end: number) => Promise<Float32Array>,
): Promise<void> {
  const perBatch = batchSize(batchBytes / pool.inferenceThreads, image.original.byteLength);
  let next = 0;
  const work = async () => {
    while (next < count) {
      throwIfAborted(signal);
      const start = next;
      next = Math.min(next + perBatch, count);
      const end = next;
      const rows = await untilAborted(run(start, end), signal);
      onRows(start, rows.subarray(0, (end - start) * classes));
    }
  };
  try {
    await Promise.all(Array.from({ length: pool.inferenceThreads }, work));
  } finally {
    // Where one thread failed, the others take no more of a run that is already lost.
    next = count;
  }
}

function padBatch<T>(batch: readonly T[], padding: T): readonly T[] {
  const missing = Math.max(0, smallestBatch - batch.length);
  return missing === 0 ? batch : [...batch, ...Array<T>(missing).fill(padding)];
}
