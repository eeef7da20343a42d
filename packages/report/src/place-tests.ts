import { at } from '@umbra/shared/assert';
import type { Box, Size } from '@umbra/shared/occlusion/grid';
import { createRandom } from '@umbra/shared/random';
import { latticeSide } from './evidence.js';
import { drawP, signFlipP, type TestDraws } from './permutation.js';

/** Part of the frame's extent that counts as its border, on each side: as the engine's `borderShare` has it. */
const borderPart = 0.1;

/** Share of the input's px that are its border: 0.36, but for the rounding to whole px. */
export function borderArea(input: Size): number {
  const { top, left, bottom, right } = innerBox(input);
  return 1 - ((bottom - top) * (right - left)) / (input.height * input.width);
}

/** The px that are not the border: their centres are no nearer to an edge than a tenth of the extent. */
export function innerBox({ height, width }: Size): Box {
  const [top, left] = [height, width].map((extent) => {
    let px = 0;
    while (px + 0.5 < borderPart * extent) px += 1;
    return px;
  }) as [number, number];
  return { top, left, bottom: height - top, right: width - left };
}

/** Share of the input that lies off a box. @param box As shares of the input's height and width. */
export const offArea = ({ top, left, bottom, right }: Box): number =>
  1 - (bottom - top) * (right - left);

/** An image's share of the positive attribution at a place, that of the area, and what noise would give. */
export type PlaceShare = { readonly share: number; readonly area: number; readonly noise: number };

/**
 * One-sided p-value that shares exceed in the mean what is expected, the area, or what noise gives where that is more:
 * by flipping the signs of share minus expected share, with two
 * corrections, as flips suppose that an excess is as likely as a lack of its size, which cannot be where a place has
 * most of the area. Both only make it larger.
 *
 * - A long tail of low shares: values are lowered by Johnson's correction for skewness.
 * - Shares that cannot be much larger than expected: were each `max` with a probability of expected / `max`, and else 0,
 *   all would be `max` with the product of these; no test of the mean may say less.
 *
 * @see Johnson, "Modified t tests and confidence intervals for asymmetrical populations", JASA 73(363), 1978.
 */
export function excessP(places: readonly PlaceShare[], chance: TestDraws): number {
  const max = places.reduce((highest, { share }) => Math.max(highest, share), 0);
  const expected = places.map(({ area, noise }) => Math.max(area, noise));
  const floor = expected.reduce((product, one) => product * (one < max ? one / max : 1), 1);
  const excesses = places.map(({ share }, nth) => share - at(expected, nth));
  const flipped = signFlipP(lowerTail(excesses), chance);
  return Math.max(floor, flipped);
}

/** Lower values whose distribution has a long tail below; others stay. */
function lowerTail(values: readonly number[]): readonly number[] {
  const count = values.length;
  const mean = values.reduce((sum, value) => sum + value, 0) / count;
  const powers = (power: number) => values.reduce((sum, value) => sum + (value - mean) ** power, 0);
  const variance = powers(2) / (count - 1);
  if (count < 3 || variance === 0) return values;
  const third = (powers(3) * count) / ((count - 1) * (count - 2));
  const correction = third / (6 * variance * count) + (third * mean ** 2) / (3 * variance ** 2);
  return correction < 0 ? values.map((value) => value + correction) : values;
}

/** An image's map and box, of which positive attribution lies off the box. */
export type BoxedMap = { readonly map: Float32Array; readonly box: Box };

const shuffles = 4_999;

/**
 * One-sided p-value that evidence follows the object: that the mean share of the positive attribution off the box is
 * lower than where maps are shuffled between the images, which keep their boxes. By seeded shuffles (see `drawP`).
 *
 * @param images Of one class, each with some positive cell.
 * @returns 1 for fewer than two.
 */
export function followsP(images: readonly BoxedMap[], seed: number): number {
  const count = images.length;
  if (count < 2) return 1;
  const { below } = createRandom(seed);
  const shares = offShares(images);
  const order = Uint32Array.from({ length: count }, (_, nth) => nth);
  const sumOf = () => {
    let sum = 0;
    // Hot: the order has indices of images.
    for (let box = 0; box < count; box++)
      sum += shares[(order[box] as number) * count + box] as number;
    return sum;
  };
  const limit = sumOf() + 1e-9 * count;
  return drawP(() => {
    for (let last = count - 1; last > 0; last--) {
      const other = below(last + 1);
      const kept = order[last] as number;
      order[last] = order[other] as number;
      order[other] = kept;
    }
    return sumOf() <= limit;
  }, shuffles);
}

/** Share of each map's positive attribution off each box: [maps, boxes]. */
function offShares(images: readonly BoxedMap[]): Float64Array {
  const count = images.length;
  const shares = new Float64Array(count * count);
  for (const [map, image] of images.entries()) {
    const integral = integrate(image.map);
    const all = at(integral, integral.length - 1);
    for (const [box, other] of images.entries()) {
      shares[map * count + box] = 1 - insideOf(integral, other.box) / all;
    }
  }
  return shares;
}

const stride = latticeSide + 1;

/** Sums of the positive cells above and left of each corner of the lattice: [17, 17]. */
function integrate(map: Float32Array): Float64Array {
  const sums = new Float64Array(stride * stride);
  for (let y = 0; y < latticeSide; y++) {
    let row = 0;
    for (let x = 0; x < latticeSide; x++) {
      const value = at(map, y * latticeSide + x);
      if (value > 0) row += value;
      sums[(y + 1) * stride + x + 1] = at(sums, y * stride + x + 1) + row;
    }
  }
  return sums;
}

/** The sum inside a box, each cell by the part of it that is. */
function insideOf(integral: Float64Array, { top, left, bottom, right }: Box): number {
  const upTo = (y: number, x: number) => sumUpTo(integral, y * latticeSide, x * latticeSide);
  return upTo(bottom, right) - upTo(top, right) - upTo(bottom, left) + upTo(top, left);
}

/** Between corners, sums are bilinear, as each cell is even. */
function sumUpTo(integral: Float64Array, y: number, x: number): number {
  const row = Math.min(Math.floor(y), latticeSide - 1);
  const column = Math.min(Math.floor(x), latticeSide - 1);
  const corner = row * stride + column;
  const [down, over] = [y - row, x - column];
  // Hot: the corner and its neighbours are of the lattice.
  const upper = (integral[corner] as number) * (1 - over) + (integral[corner + 1] as number) * over;
  const lower =
    (integral[corner + stride] as number) * (1 - over) +
    (integral[corner + stride + 1] as number) * over;
  return upper * (1 - down) + lower * down;
}
