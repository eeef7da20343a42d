import { at } from '@umbra/shared/assert';
import type { ModelBundle } from '@umbra/shared/contracts/model';
import { invalidInput } from '@umbra/shared/errors';
import { throwIfAborted, untilAborted } from '../abort.js';
import { imageLength } from '../image/pixel-format.js';
import type { ModelInput } from '../image/preprocess.js';
import type { InputStream } from '../types.js';
import { batchSize } from './evaluate.js';
import type { ImageStack } from './image-batch.js';

/** What runs whole inputs. */
export type InputRunner = {
  readonly bundle: ModelBundle;
  readonly inferenceThreads: number;
  /** Budget for the batches of all threads together, bytes. */
  readonly batchBytes: number;
  /** No batch has fewer images: a shorter one is filled up with its last. */
  readonly minImages: number;
  /** @returns float32 [count, numbers] */
  run(stack: ImageStack): Promise<Float32Array>;
};

/**
 * Run whole inputs, batched over the threads. Inputs of another extent begin another batch.
 *
 * Beside those that run, the inputs of one batch are held, however many there are.
 *
 * @returns What each input gives, in order: float32 [numbers].
 * @throws {AppError} `invalid_input` if a tensor does not have the length of its extent; `cancelled`
 *   within one batch of the signal; what `run` throws.
 */
export async function* runInputs(
  runner: InputRunner,
  inputs: InputStream,
  signal: AbortSignal | undefined,
): AsyncGenerator<Float32Array> {
  const running: Promise<readonly Float32Array[]>[] = [];
  for await (const batch of batchesOf(runner, inputs)) {
    throwIfAborted(signal);
    const outputs = runBatch(runner, batch);
    // A batch may fail before its turn, or when nobody waits any longer.
    outputs.catch(() => undefined);
    running.push(outputs);
    const [first] = running;
    if (first === undefined || running.length <= runner.inferenceThreads) continue;
    running.shift();
    yield* await untilAborted(first, signal);
  }
  for (const outputs of running) {
    throwIfAborted(signal);
    yield* await untilAborted(outputs, signal);
  }
}

async function* batchesOf(
  { bundle, batchBytes, inferenceThreads }: InputRunner,
  inputs: InputStream,
): AsyncGenerator<readonly ModelInput[]> {
  let batch: ModelInput[] = [];
  for await (const input of inputs) {
    assertLength(input, bundle);
    const [first = input] = batch;
    if (input.height !== first.height || input.width !== first.width) {
      yield batch;
      batch = [];
    }
    batch.push(input);
    if (batch.length < batchSize(batchBytes / inferenceThreads, input.tensor.byteLength)) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

async function runBatch(
  { minImages, run }: InputRunner,
  batch: readonly ModelInput[],
): Promise<readonly Float32Array[]> {
  const stack = stackImages(batch, Math.max(minImages, batch.length));
  const outputs = await run(stack);
  const width = outputs.length / stack.count;
  return batch.map((_, nth) => outputs.slice(nth * width, (nth + 1) * width));
}

/** Lay images one after another; the last is repeated up to `count`. */
function stackImages(batch: readonly ModelInput[], count: number): ImageStack {
  const { height, width, tensor: first } = at(batch, 0);
  const images = new SharedArrayBuffer(count * first.byteLength);
  const tensors = new Float32Array(images);
  for (let nth = 0; nth < count; nth++) {
    const { tensor } = at(batch, Math.min(nth, batch.length - 1));
    tensors.set(tensor, nth * first.length);
  }
  return { images, count, size: { height, width } };
}

function assertLength({ tensor, height, width }: ModelInput, { input, name }: ModelBundle): void {
  const length = imageLength(input, { height, width });
  if (tensor.length === length) return;
  throw invalidInput(
    `Expected an input of model '${name}' of ${height} x ${width} px (height x width) to have ${length} numbers, got ${tensor.length}`,
  );
}
