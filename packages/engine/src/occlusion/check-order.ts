import { at } from '@umbra/shared/assert';
import { integrity, invalidInput } from '@umbra/shared/errors';
import type { Size } from '@umbra/shared/occlusion/grid';
import { createRandom } from '@umbra/shared/random';
import type { ModelInput } from '../image/preprocess.js';
import { type SharedImage, shareTensor } from '../image/shared-image.js';
import type { OrderAreas, OrderOptions } from '../types.js';
import type { WholeModel } from './evaluate.js';
import { measureFaithfulness } from './faithfulness.js';
import { fillImage } from './fill.js';

/** See `OpenModel.checkOrder`. */
export async function checkOrder(
  model: WholeModel,
  input: ModelInput,
  { attribution, index, fill, patch, steps, seed, signal }: OrderOptions,
): Promise<OrderAreas> {
  const { height, width, frame } = input;
  assertMap(attribution, input);
  const image: SharedImage = {
    original: shareTensor(input.tensor),
    filled: shareTensor(fillImage(input, fill, model.bundle.input)),
    size: { height, width },
  };
  const [own, random] = await measureFaithfulness(model, image, {
    attributions: [attribution, randomBlocks(input, patch, seed)],
    targets: [index, index],
    steps,
    frame,
    signal,
  });
  if (own === undefined || random === undefined) throw new Error('Expected two orders');
  const areas = {
    deletion: own.deletion,
    insertion: own.insertion,
    randomDeletion: random.deletion,
    randomInsertion: random.insertion,
  };
  if (Object.values(areas).every(Number.isFinite)) return areas;
  throw integrity(`Model '${model.bundle.name}' gives NaN while pixels are replaced`);
}

/**
 * A map by which blocks of the patch's extent go in a random order, each from its first pixel to its last.
 *
 * Single pixels in random order are no fair rival: a few of them everywhere change every texture, and the
 * score falls though no thing is covered. Blocks do what the map's order does, at random places.
 *
 * @returns float32 [height, width]
 */
export function randomBlocks({ height, width }: Size, patch: Size, seed: number): Float32Array {
  const rows = Math.ceil(height / patch.height);
  const columns = Math.ceil(width / patch.width);
  const order = Array.from({ length: rows * columns }, (_, block) => block);
  createRandom(seed).shuffle(order);
  return Float32Array.from({ length: height * width }, (_, pixel) => {
    const row = Math.floor(Math.floor(pixel / width) / patch.height);
    const column = Math.floor((pixel % width) / patch.width);
    return at(order, row * columns + column);
  });
}

function assertMap(attribution: Float32Array, { height, width }: Size): void {
  if (attribution.length === height * width && !attribution.some(Number.isNaN)) return;
  throw invalidInput(
    `Expected an attribution of ${height} x ${width} known numbers, got ${attribution.length}${attribution.some(Number.isNaN) ? ' with NaN' : ''}`,
  );
}
