import { at } from '@umbra/shared/assert';
import type { ClassReport } from '@umbra/shared/contracts/report';
import { encodeCells } from './cells.js';
import { latticeSide } from './evidence.js';

const cells = latticeSide * latticeSide;

/** Mean and deviation of each cell over maps that come one by one: 5 KB, however many there are. */
export type Atlas = {
  readonly images: number;
  /** @param map float32 [16, 16]; cells that are NaN do not count. */
  add(map: Float32Array): void;
  /** Sum of each cell over the maps that know it, and how many do. */
  totals(): { readonly sum: Float64Array; readonly counts: Uint32Array };
  describe(): ClassReport['atlas']['input'];
};

/** @see Welford, Technometrics 4(3), 1962, for means and squares in one pass. */
export function createAtlas(): Atlas {
  const counts = new Uint32Array(cells);
  const means = new Float64Array(cells);
  const squares = new Float64Array(cells);
  let images = 0;
  return {
    get images() {
      return images;
    },
    add(map) {
      images += 1;
      for (let cell = 0; cell < cells; cell++) {
        // Hot: every array has one number a cell.
        const value = map[cell] as number;
        if (Number.isNaN(value)) continue;
        const count = (counts[cell] as number) + 1;
        const shift = value - (means[cell] as number);
        counts[cell] = count;
        means[cell] = (means[cell] as number) + shift / count;
        squares[cell] = (squares[cell] as number) + shift * (value - (means[cell] as number));
      }
    },
    totals: () => ({ sum: means.map((mean, cell) => mean * at(counts, cell)), counts }),
    describe: () => ({
      images,
      mean: encodeCells(means.map((mean, cell) => (counts[cell] === 0 ? Number.NaN : mean))),
      deviation: encodeCells(
        squares.map((sum, cell) => {
          const count = at(counts, cell);
          return count < 2 ? Number.NaN : Math.sqrt(sum / (count - 1));
        }),
      ),
    }),
  };
}
