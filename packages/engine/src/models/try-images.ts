import type { ModelBundle } from '@umbra/shared/contracts/model';
import { reportError } from '@umbra/shared/errors';
import type { Backend } from '../backends/backend.js';
import { assertInputSize } from '../image/input-limits.js';
import { imageLength } from '../image/pixel-format.js';
import { normalise } from '../image/preprocess.js';

/** Scores of two seeded images, a plain one and one of more contrast: float32 [scores] each. */
export type TwoOutputs = readonly [plain: Float32Array, contrasting: Float32Array];

/** Largest change of a score by the other image of a batch, over the spread of the two images' scores. */
const tolerance = 1e-4;

/** What to do with a model that takes no batches. */
export const oneByOne = 'set batch to 1 in bundle.json, and it is run one image at a time';

/**
 * Run two images, each alone and both together.
 *
 * @throws {Error} if they give the same, or no numbers, or depend on each other.
 */
export async function tryImages(backend: Backend, bundle: ModelBundle): Promise<TwoOutputs> {
  assertInputSize(bundle.input);
  const { height, width } = bundle.input;
  const images = [seededImage(bundle.input, 127), seededImage(bundle.input, 255)] as const;
  const run = (...batch: readonly Float32Array[]) =>
    backend.run(Float32Array.from(batch.flatMap((one) => [...one])), batch.length, height, width);
  const [plain, contrasting] = [await run(images[0]), await run(images[1])];
  for (const scores of [plain, contrasting]) {
    if (scores.every(Number.isFinite)) continue;
    throw new Error('Expected finite scores, got NaN or infinity: its weights are broken');
  }
  if (plain.join() === contrasting.join()) {
    throw new Error('Expected two images to differ in their scores');
  }
  const twins = await run(images[0], images[0]).catch((error: unknown) => {
    const { message } = reportError(error);
    throw new Error(`Expected to run two images at once, as it runs one: ${oneByOne}; ${message}`);
  });
  const pair = await run(...images);
  const spread = largest(plain, (score, index) => score - (contrasting[index] ?? Number.NaN));
  const change = largest(plain, (_, index) => (pair[index] ?? 0) - (twins[index] ?? Number.NaN));
  if (change <= tolerance * spread) return [plain, contrasting];
  throw new Error(
    `Expected scores that do not depend on the other images of a batch, got a change of ${change.toPrecision(2)}, where two images differ by ${spread.toPrecision(2)}: ${oneByOne}`,
  );
}

const largest = (scores: Float32Array, of: (score: number, index: number) => number): number =>
  scores.reduce((most, score, index) => Math.max(most, Math.abs(of(score, index))), 0);

/**
 * Noise as a photo would hold it; the same on every machine.
 *
 * @param range Distance from the darkest to the brightest level, around mid-grey.
 * @returns float32, one image in the bundle's layout, normalised.
 */
export function seededImage(input: ModelBundle['input'], range = 255): Float32Array {
  let state = range;
  const data = Buffer.alloc(imageLength(input, input)).map(() => {
    state = (state * 48_271) % 2_147_483_647;
    return 127.5 + (state / 2_147_483_647 - 0.5) * range;
  });
  return normalise({ ...input, data: Buffer.from(data) }, input);
}
