import { at } from '@umbra/shared/assert';
import { latticeSide } from '../evidence.js';

const zoneNames = [
  ['in the upper left', 'at the top', 'in the upper right'],
  ['at the left', 'in the middle', 'at the right'],
  ['in the lower left', 'at the bottom', 'in the lower right'],
].flat();

/** Where an image has more of its evidence than its class: the shares of both there. */
export type UnusualZone = { readonly name: string; readonly own: number; readonly usual: number };

/**
 * The ninth of the image (thirds of both sides) in which the image's share of positive evidence exceeds its class's
 * the most; null where either has no positive evidence.
 */
export function findUnusualZone(map: Float32Array, ofClass: Float64Array): UnusualZone | null {
  const own = zoneShares(map);
  const usual = zoneShares(ofClass.map((value, cell) => (Number.isNaN(at(map, cell)) ? 0 : value)));
  if (own === null || usual === null) return null;
  return zoneNames
    .map((name, zone) => ({ name, own: at(own, zone), usual: at(usual, zone) }))
    .reduce((best, zone) => (zone.own - zone.usual > best.own - best.usual ? zone : best));
}

/** Share of the positive part in each zone, row-major; null where nothing is positive. */
function zoneShares(map: Float32Array | Float64Array): number[] | null {
  const sums = zoneNames.map(() => 0);
  const third = (index: number) => Math.floor((3 * index) / latticeSide);
  for (let cell = 0; cell < map.length; cell += 1) {
    const value = at(map, cell);
    if (!(value > 0)) continue;
    const zone = 3 * third(Math.floor(cell / latticeSide)) + third(cell % latticeSide);
    sums[zone] = at(sums, zone) + value;
  }
  const total = sums.reduce((sum, value) => sum + value, 0);
  return total === 0 ? null : sums.map((value) => value / total);
}
