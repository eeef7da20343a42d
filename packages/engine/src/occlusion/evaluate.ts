import type { ModelBundle } from '@umbra/shared/contracts/model';
import { integrity, invalidInput } from '@umbra/shared/errors';
import type { Box, Size } from '@umbra/shared/occlusion/grid';
import { throwIfAborted, untilAborted } from '../abort.js';
import { imageLength } from '../image/pixel-format.js';
import type { SharedImage } from '../image/shared-image.js';
import type { Incremental, NetworkPlan } from '../incremental/incremental.js';
import type { InferenceStrategy } from '../types.js';
import type { BaselineOutputs } from './baseline-outputs.js';
import type { RankRange } from './copy.js';
import type { ImageBatch, RankReplacements } from './image-batch.js';
import type { OutputHead } from './output-head.js';
import type { ResolvedSettings } from './resolve-run.js';

/** Runs batches of one model side by side. */
export type BatchRunner = {
  readonly inferenceThreads: number;
  /** @returns float32 [images of the batch, classes] */
  run(batch: ImageBatch): Promise<Float32Array>;
};

/** What running a network whole takes. */
export type WholeModel = {
  readonly threads: BatchRunner;
  readonly bundle: ModelBundle;
  /** Reads its output. */
  readonly head: OutputHead;
  /** Budget for the batches of all threads together, bytes. */
  readonly batchBytes: number;
};

export type EvaluatedModel = WholeModel & {
  readonly incremental: Incremental;
  readonly baselineOutputs: BaselineOutputs;
};

export type EvaluateOptions = {
  readonly signal?: AbortSignal | undefined;
  /** Called once for each batch, in any order. `outputs` is float32 [n, classes], of boxes `start` on. */
  readonly onOutputs: (start: number, outputs: Float32Array) => void;
};

/** Runs a model on one image with boxes replaced. */
export type Evaluator = {
  /** The strategy that runs. */
  readonly strategy: InferenceStrategy;
  /**
   * The output for the unoccluded image, float32 [classes]; kept for the image's other shards, as are
   * its maps where the network runs by segments.
   *
   * @throws {AppError} `integrity` if it holds NaN.
   */
  evaluateBaseline(signal?: AbortSignal): Promise<Float32Array>;
  /**
   * Run the network with the pixels of one box at a time replaced.
   *
   * An output depends on its own box only: not on the order, the batch, or the number of threads. An
   * empty box is the unoccluded image.
   *
   * @throws {AppError} `cancelled` within one batch of the signal; `unavailable` if a thread dies.
   */
  evaluate(boxes: readonly Box[], options: EvaluateOptions): Promise<void>;
};

const emptyBox: Box = { top: 0, left: 0, bottom: 0, right: 0 };
const noRank: RankRange = { from: 0, to: 0 };

/** Larger batches are no faster on a CPU, and a short batch meets a cancellation soon. */
const maxBatch = 8;
/**
 * Runtimes multiply a single row by another routine than several, with other rounding. No batch
 * has fewer images, so that outputs never depend on what they were batched with.
 */
export const minBatch = 2;
/** Activations of a convolutional network, as a multiple of its input: generous for VGG16. */
const activationFactor = 75;
/** Modelled gains below this may be none in truth. */
const minGain = 1.15;

/**
 * Choose how boxes of an image are run, once for all of them.
 *
 * @throws {AppError} `invalid_input` if incremental is asked for and no segment can be cut out.
 */
export async function openEvaluator(
  model: EvaluatedModel,
  image: SharedImage,
  run: Pick<ResolvedSettings, 'strategy' | 'patch'>,
): Promise<Evaluator> {
  const plan = await chooseSegments(model, image.size, run);
  if (plan !== null) {
    const evaluate: Evaluator['evaluate'] = (boxes, options) =>
      model.incremental.evaluate(plan, image, boxes, options);
    return {
      strategy: 'incremental',
      evaluateBaseline: (signal) => evaluateEmptyBox(model, evaluate, signal),
      evaluate,
    };
  }
  const evaluate: Evaluator['evaluate'] = (boxes, options) =>
    evaluateWhole(model, image, boxes, options);
  return {
    strategy: 'dense',
    evaluateBaseline(signal) {
      // Made without the signal: other shards may wait for the same output.
      const make = () => evaluateEmptyBox(model, evaluate);
      return untilAborted(model.baselineOutputs.get(image, make), signal);
    },
    evaluate,
  };
}

/**
 * Choose the segments to run by; null if the network is to run whole.
 *
 * @throws {AppError} `invalid_input` if incremental is asked for and no segment can be cut out.
 */
export async function chooseSegments(
  { incremental, bundle }: Pick<EvaluatedModel, 'incremental' | 'bundle'>,
  size: Size,
  { strategy, patch }: Pick<ResolvedSettings, 'strategy' | 'patch'>,
): Promise<NetworkPlan | null> {
  if (strategy === 'dense') return null;
  const plan = await incremental.plan(size, patch);
  const possible = plan !== null && plan.segments.length > 0;
  if (strategy === 'auto') return possible && (plan.gain ?? 0) >= minGain ? plan : null;
  if (possible) return plan;
  throw invalidInput(
    `Expected strategy 'auto' or 'dense', since no part of model '${bundle.name}' can be run on windows alone, got 'incremental'`,
  );
}

function evaluateWhole(
  model: WholeModel,
  image: SharedImage,
  boxes: readonly Box[],
  options: EvaluateOptions,
): Promise<void> {
  const run = (start: number, end: number) =>
    model.threads.run({ ...image, boxes: padBatch(boxes.slice(start, end), emptyBox) });
  return runBatches(model, { image, count: boxes.length, run }, options);
}

/**
 * Run the network with arbitrary sets of pixels replaced, each given as a range of ranks.
 *
 * @throws {AppError} As `Evaluator.evaluate`.
 */
export function evaluateRanks(
  model: WholeModel,
  image: SharedImage,
  { ranks, ranges }: RankReplacements,
  options: EvaluateOptions,
): Promise<void> {
  const run = (start: number, end: number) =>
    model.threads.run({ ...image, ranks, ranges: padBatch(ranges.slice(start, end), noRank) });
  return runBatches(model, { image, count: ranges.length, run }, options);
}

async function evaluateEmptyBox(
  { bundle, head }: WholeModel,
  evaluate: Evaluator['evaluate'],
  signal?: AbortSignal,
): Promise<Float32Array> {
  let output: Float32Array | undefined;
  await evaluate([emptyBox], {
    signal,
    onOutputs(_, outputs) {
      output = outputs.slice(0, head.width);
    },
  });
  if (output === undefined) throw new Error('Expected an output for the unoccluded image');
  if (output.some(Number.isNaN)) {
    throw integrity(`Model '${bundle.name}' gives NaN for this image`);
  }
  return output;
}

/** Run a blank image, all zeros, by itself. @returns The model's output for it. */
export async function runBlank(threads: BatchRunner, bundle: ModelBundle): Promise<Float32Array> {
  const { height, width } = bundle.input;
  const original = new SharedArrayBuffer(imageLength(bundle.input, { height, width }) * 4);
  const boxes = padBatch([emptyBox], emptyBox);
  const size = { height, width };
  const outputs = await threads.run({ original, filled: original, size, boxes });
  if (outputs.some(Number.isNaN)) {
    throw integrity(`Model '${bundle.name}' gives NaN on a blank image: its weights are broken`);
  }
  return outputs.slice(0, outputs.length / boxes.length);
}

/** Images a batch, from the part of the budget that one thread has. */
export function batchSize(threadBytes: number, imageBytes: number): number {
  const fitting = Math.floor(threadBytes / (imageBytes * activationFactor));
  return Math.max(minBatch, Math.min(maxBatch, fitting));
}

/** Images to run, and what runs the images `[start, end)` of them. */
type BatchedImages = {
  readonly image: SharedImage;
  readonly count: number;
  run(start: number, end: number): Promise<Float32Array>;
};

async function runBatches(
  { threads, batchBytes, head }: WholeModel,
  { image, count, run }: BatchedImages,
  { signal, onOutputs }: EvaluateOptions,
): Promise<void> {
  const perBatch = batchSize(batchBytes / threads.inferenceThreads, image.original.byteLength);
  let next = 0;
  const work = async () => {
    while (next < count) {
      throwIfAborted(signal);
      const start = next;
      next = Math.min(next + perBatch, count);
      const end = next;
      const outputs = await untilAborted(run(start, end), signal);
      onOutputs(start, outputs.subarray(0, (end - start) * head.width));
    }
  };
  try {
    await Promise.all(Array.from({ length: threads.inferenceThreads }, work));
  } finally {
    // Where one thread failed, the others take no more of a run that is already lost.
    next = count;
  }
}

function padBatch<T>(batch: readonly T[], padding: T): readonly T[] {
  const missing = Math.max(0, minBatch - batch.length);
  return missing === 0 ? batch : [...batch, ...Array<T>(missing).fill(padding)];
}
