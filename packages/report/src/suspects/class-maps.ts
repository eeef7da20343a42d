import { at } from '@umbra/shared/assert';
import type { ClassReport } from '@umbra/shared/contracts/report';

/** A class's maps, summed over its images: what an image is held against. */
export type ClassMaps = {
  readonly class: ClassReport['class'];
  /** Sum of each cell over the images, those without the cell (NaN) left out; and how many have it. */
  readonly sum: Float64Array;
  readonly counts: Uint32Array;
};

/** Mean map of the class without one of its images; NaN where no other image has the cell. */
export function meanWithout({ sum, counts }: ClassMaps, map: Float32Array): Float64Array {
  return sum.map((total, cell) => {
    const value = at(map, cell);
    const others = at(counts, cell) - (Number.isNaN(value) ? 0 : 1);
    return others > 0 ? (total - (Number.isNaN(value) ? 0 : value)) / others : Number.NaN;
  });
}

/**
 * 1 minus the cosine between two maps, in [0, 2], over the cells that both have. 1 where the image's is 0 everywhere,
 * which is like no class; null where the class's is, or where they share no cell.
 */
export function mapDistance(map: Float32Array, ofClass: Float64Array): number | null {
  let [product, own, other] = [0, 0, 0];
  for (let cell = 0; cell < map.length; cell += 1) {
    const value = at(map, cell);
    const usual = at(ofClass, cell);
    if (Number.isNaN(value) || Number.isNaN(usual)) continue;
    product += value * usual;
    own += value * value;
    other += usual * usual;
  }
  if (other === 0) return null;
  return own === 0 ? 1 : Math.min(2, Math.max(0, 1 - product / Math.sqrt(own * other)));
}
