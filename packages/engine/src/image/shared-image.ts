import { createHash } from 'node:crypto';
import type { Size } from '@umbra/shared/occlusion/grid';

/** One image in memory that all threads see: no batch copies it between threads. */
export type SharedImage = {
  /** The unoccluded image: float32 in the bundle's layout, normalised. */
  readonly original: SharedArrayBuffer;
  /** The same layout: where pixels under a box are copied from. */
  readonly filled: SharedArrayBuffer;
  readonly size: Size;
};

/** Copy a tensor to memory that threads see. */
export function shareTensor(tensor: Float32Array): SharedArrayBuffer {
  const shared = new SharedArrayBuffer(tensor.byteLength);
  new Float32Array(shared).set(tensor);
  return shared;
}

/** Name the unoccluded image by its extent and its numbers. */
export const imageKey = ({ original, size: { height, width } }: SharedImage): string =>
  `${height}x${width} ${createHash('sha256').update(new Uint8Array(original)).digest('base64')}`;
