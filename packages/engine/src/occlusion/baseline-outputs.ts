import { createHash } from 'node:crypto';
import type { SharedImage } from './evaluate.js';

/** The network's rows of the last unoccluded images, so that shards of one do not run it again. */
export type BaselineOutputs = {
  /** The row of an image; made when it is not there. Shards that ask at once share one. */
  get(image: SharedImage, make: () => Promise<Float32Array>): Promise<Float32Array>;
};

/** A row is some kilobytes; more images than this are hardly in turn at once. */
const keptRows = 64;

export function createBaselineOutputs(): BaselineOutputs {
  const rows = new Map<string, Promise<Float32Array>>();
  return {
    get(image, make) {
      const key = keyOf(image);
      const row = rows.get(key) ?? make();
      // Taken out and put back, so that the map's order is that of last use.
      rows.delete(key);
      rows.set(key, row);
      row.catch(() => rows.delete(key));
      for (const oldest of [...rows.keys()].slice(0, -keptRows)) rows.delete(oldest);
      return row;
    },
  };
}

const keyOf = ({ original, size: { height, width } }: SharedImage): string =>
  `${height}x${width} ${createHash('sha256').update(new Uint8Array(original)).digest('base64')}`;
