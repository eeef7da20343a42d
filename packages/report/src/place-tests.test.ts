import { createRandom } from '@umbra/shared/random';
import { describe, expect, test } from 'vitest';
import { adjustP, signFlipP } from './permutation.js';
import { borderArea, excessP, followsP, offArea } from './place-tests.js';

test("the border's area is that of the px that the engine counts", () => {
  expect(borderArea({ height: 20, width: 10 })).toBeCloseTo(0.36, 12);
  // Of 224 px, 22 on each side have their centre within 22.4 px.
  expect(borderArea({ height: 224, width: 224 })).toBe(1 - 180 ** 2 / 224 ** 2);
  expect(borderArea({ height: 3, width: 1 })).toBe(0);
});

test('the area off a box is what is left of the frame', () => {
  expect(offArea({ top: 0.25, left: 0, bottom: 0.75, right: 1 })).toBe(0.5);
});

describe('whether shares exceed areas', () => {
  const chance = { seed: 1 };
  const placesOf = (shares: readonly number[], area: number) =>
    shares.map((share) => ({ share, area, noise: 0 }));

  test('is told by flipping signs where no tail of low shares is long', () => {
    const shares = [0.51, 0.24, 0.66, 0.3, 0.47, 0.26, 0.38, 0.92];
    const excesses = shares.map((share) => share - 0.25);
    expect(excessP(placesOf(shares, 0.25), chance)).toBe(signFlipP(excesses, chance));
  });

  test('is told against what noise gives, where that is more', () => {
    const places = [0.51, 0.24, 0.66, 0.3].map((share) => ({ share, area: 0.25, noise: 0.4 }));
    expect(excessP(places, chance)).toBe(signFlipP([0.11, -0.16, 0.26, -0.1], chance));
  });

  test('is harder to tell where one is', () => {
    // Lowered by Johnson's correction, m3 / (6 v n) + m3 m^2 / (3 v^2), with NumPy 2.4.6: -0.0397143.
    const shares = [0.6, 0.62, 0.64, 0.61, 0.65, 0.63, 0.62, 0.2];
    const excesses = shares.map((share) => share - 0.5);
    const lowered = excesses.map((excess) => excess - 0.0397143);
    const p = excessP(placesOf(shares, 0.5), chance);
    expect(p).toBe(signFlipP(lowered, chance));
    expect(p).toBeGreaterThan(signFlipP(excesses, chance));
  });

  test('is not told by shares that can hardly be larger than the area', () => {
    // Were shares 1 with a probability of 0.75, and else 0, eight would all be 1 in 10 of 100 samples.
    const full = placesOf(new Array(8).fill(1), 0.75);
    expect(excessP(full, chance)).toBeCloseTo(0.75 ** 8, 12);
    expect(excessP(placesOf(new Array(200).fill(1), 0.75), chance)).toBe(1e-4);
    expect(excessP(placesOf([0.3, 0.3], 0.5), chance)).toBe(1);
  });
});

test.each([
  { shape: 'even', area: 0.5, shareOf: (place: number) => place },
  // A long tail of low shares: signs alone find something in one run of five.
  { shape: 'mostly high', area: 0.75, shareOf: (place: number) => 1 - place ** 3 },
  { shape: 'all or nothing', area: 0.75, shareOf: (place: number) => Number(place < 0.75) },
])(
  'without an effect, 95 of 100 runs find nothing, of shares that are $shape',
  ({ area, shareOf }) => {
    const runs = 200;
    const sizes = [8, 8, 12, 12, 15, 15, 25, 25, 40, 40];
    let found = 0;
    for (let seed = 0; seed < runs; seed++) {
      const { uniform } = createRandom(seed);
      const p = sizes.map((size) =>
        excessP(
          Array.from({ length: size }, () => ({ share: shareOf(uniform()), area, noise: 0 })),
          { seed },
        ),
      );
      if (adjustP(p).some((adjusted) => adjusted <= 0.05)) found += 1;
    }
    expect(found / runs).toBeLessThanOrEqual(0.05);
  },
);

describe('whether evidence follows the object', () => {
  const { uniform, below } = createRandom(9);
  const boxes = Array.from({ length: 30 }, () => {
    const [row, column] = [below(10), below(10)];
    return {
      top: row / 16,
      left: column / 16,
      bottom: (row + 6) / 16,
      right: (column + 6) / 16,
    };
  });
  const mapWhere = (holds: (row: number, column: number) => boolean) =>
    Float32Array.from({ length: 256 }, (_, cell) =>
      holds(Math.floor(cell / 16), cell % 16) ? 1 : -1,
    );

  test('it does where it lies in the boxes', () => {
    const images = boxes.map((box) => ({
      box,
      map: mapWhere(
        (row, column) =>
          row >= box.top * 16 &&
          row < box.bottom * 16 &&
          column >= box.left * 16 &&
          column < box.right * 16,
      ),
    }));
    expect(followsP(images, 1)).toBe(1 / 5_000);
  });

  test('it does not where it lies anywhere', () => {
    const p = Array.from({ length: 40 }, (_, seed) =>
      followsP(
        boxes.map((box) => ({ box, map: mapWhere(() => uniform() < 0.3) })),
        seed,
      ),
    );
    expect(p.filter((value) => value <= 0.05).length).toBeLessThanOrEqual(6);
  });

  test('shuffling says nothing of a mark that is always at one place', () => {
    const corner = mapWhere((row, column) => row < 2 && column < 2);
    expect(
      followsP(
        boxes.map((box) => ({ box, map: corner })),
        1,
      ),
    ).toBe(1);
    expect(followsP([{ box: offCentre(), map: corner }], 1)).toBe(1);
  });

  test('of two images there are two orders', () => {
    const [a, b] = [offCentre(), { top: 0.5, left: 0.5, bottom: 1, right: 1 }];
    const inside = (box: typeof a) =>
      mapWhere(
        (row, column) =>
          row / 16 >= box.top &&
          column / 16 >= box.left &&
          row / 16 < box.bottom &&
          column / 16 < box.right,
      );
    const p = followsP(
      [
        { box: a, map: inside(a) },
        { box: b, map: inside(b) },
      ],
      1,
    );
    expect(Math.abs(p - 0.5)).toBeLessThan(0.15);
  });
});

const offCentre = () => ({ top: 0, left: 0, bottom: 0.3, right: 0.45 });
