import { at } from '@umbra/shared/assert';
import type { Backend } from './backend.js';

/** Batches of one size, and what runs one of them. */
export type FixedBatches = {
  readonly size: number;
  run(images: Float32Array): Promise<Float32Array>;
};

/**
 * Run images in batches of one size. The last batch is filled up with copies of its last image, which
 * even a network that mixes the images of a batch cannot tell from that image alone.
 *
 * @param images float32 [count, ...one image]
 * @returns float32 [count, scores]
 */
export async function runInBatches(
  images: Float32Array,
  count: number,
  { size, run }: FixedBatches,
): Promise<Float32Array> {
  const length = images.length / count;
  const outputs: Float32Array[] = [];
  for (let start = 0; start < count; start += size) {
    const batch = new Float32Array(size * length);
    for (let slot = 0; slot < size; slot++) {
      const image = Math.min(start + slot, count - 1);
      batch.set(images.subarray(image * length, (image + 1) * length), slot * length);
    }
    outputs.push(await run(batch));
  }
  const batchLength = at(outputs, 0).length;
  const all = new Float32Array(outputs.length * batchLength);
  for (const [index, output] of outputs.entries()) all.set(output, index * batchLength);
  return all.subarray(0, (count * batchLength) / size);
}

/** The backend of a model that takes one image at a time. */
export const runOneByOne = (backend: Backend): Backend => ({
  ...backend,
  run: (images, count, height, width) =>
    runInBatches(images, count, {
      size: 1,
      run: (image) => backend.run(image, 1, height, width),
    }),
});
