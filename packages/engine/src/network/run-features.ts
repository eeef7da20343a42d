import type { Activations, FeaturesTask, PartialNetwork } from './types.js';

/**
 * Compute the features of images, one after another: a run of one image is as fast on a CPU, and holds
 * for every network.
 *
 * @returns float32 [images, channels]
 */
export async function runFeatures(
  network: PartialNetwork,
  { images, count, channelAxis }: FeaturesTask,
): Promise<Float32Array> {
  const tensors = new Float32Array(images);
  const length = tensors.length / count;
  let rows = new Float32Array(0);
  for (let nth = 0; nth < count; nth++) {
    const image = tensors.slice(nth * length, (nth + 1) * length);
    const row = meanOverPlaces(await network.run(image), channelAxis);
    if (nth === 0) rows = new Float32Array(count * row.length);
    rows.set(row, nth * row.length);
  }
  return rows;
}

/** Mean of a layer's output over all places of each channel. @returns float32 [channels] */
export function meanOverPlaces({ shape, data }: Activations, channelAxis: number): Float32Array {
  const channels = shape[channelAxis] ?? 1;
  const inner = shape.slice(channelAxis + 1).reduce((product, extent) => product * extent, 1);
  const sums = new Float64Array(channels);
  for (let start = 0, channel = 0; start < data.length; start += inner) {
    let sum = 0;
    // Hot: one number a unit of the layer.
    for (let place = start; place < start + inner; place++) sum += data[place] as number;
    sums[channel] = (sums[channel] as number) + sum;
    channel = channel + 1 === channels ? 0 : channel + 1;
  }
  const places = data.length / channels;
  return Float32Array.from(sums, (sum) => sum / places);
}
