import { at } from '@umbra/shared/assert';
import { invalidInput } from '@umbra/shared/errors';
import type { MapAxes } from '../graph/graph.js';
import type { Activations, FeaturesTask, PartialNetwork } from './types.js';

/**
 * Compute the features of images, one after another: a run of one image is as fast on a CPU, and holds
 * for every network.
 *
 * @returns float32 [images, channels]
 * @throws {AppError} `invalid_input` if the network does not run, or gives neither maps, tokens nor a vector.
 */
export async function runFeatures(
  network: PartialNetwork,
  { images, count, axes, part }: FeaturesTask,
): Promise<Float32Array> {
  const tensors = new Float32Array(images);
  const length = tensors.length / count;
  let rows = new Float32Array(0);
  for (let nth = 0; nth < count; nth++) {
    const activations = await network.run(tensors.slice(nth * length, (nth + 1) * length));
    const channelAxis = findChannels(activations.shape, axes);
    if (channelAxis === null) {
      throw invalidInput(
        `Expected a layer that gives a vector, tokens or maps, [1, ...] of 2 to 4 axes; '${part.layer}' gives [${activations.shape.join(', ')}]`,
      );
    }
    const row = meanOverPlaces(activations, channelAxis);
    if (nth === 0) rows = new Float32Array(count * row.length);
    rows.set(row, nth * row.length);
  }
  return rows;
}

/**
 * The axis of a layer's output that channels lie on: the one beside the rows and columns of a map; the
 * last of tokens, [1, tokens, channels], and of a vector.
 */
function findChannels(shape: readonly number[], axes: MapAxes | null): number | null {
  if (shape[0] !== 1) return null;
  if (shape.length === 2 || shape.length === 3) return shape.length - 1;
  if (shape.length !== 4) return null;
  const { y, x } = axes ?? { y: 2, x: 3 };
  return [1, 2, 3].find((axis) => axis !== y && axis !== x) ?? null;
}

/** Mean of a layer's output over all places of each channel. @returns float32 [channels] */
export function meanOverPlaces({ shape, data }: Activations, channelAxis: number): Float32Array {
  const sums = new Float64Array(at(shape, channelAxis));
  const inner = shape.slice(channelAxis + 1).reduce((product, extent) => product * extent, 1);
  for (let start = 0; start < data.length; start += inner) {
    const channel = (start / inner) % sums.length;
    let sum = 0;
    // Hot: one number a unit of the layer.
    for (let place = start; place < start + inner; place++) sum += data[place] as number;
    sums[channel] = at(sums, channel) + sum;
  }
  const places = data.length / sums.length;
  return Float32Array.from(sums, (sum) => sum / places);
}
