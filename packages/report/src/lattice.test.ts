import fc from 'fast-check';
import { expect, test } from 'vitest';
import { averageCells, averageMaps, boxCells, inputCells } from './lattice.js';

const allOf = (extent: number) => new Uint8Array(extent).fill(1);

/** The mean over a cell by cutting each px into 24 x 24 parts: exact where cells end on 24ths. */
function averageByParts(map: Float32Array, width: number, from: number[], to: number[]): number {
  const parts = 24;
  const [top = 0, left = 0] = from.map((px) => Math.round(px * parts));
  const [bottom = 0, right = 0] = to.map((px) => Math.round(px * parts));
  let [sum, count] = [0, 0];
  for (let y = Math.max(0, top); y < Math.min(bottom, (map.length / width) * parts); y++) {
    for (let x = Math.max(0, left); x < Math.min(right, width * parts); x++) {
      sum += map[Math.floor(y / parts) * width + Math.floor(x / parts)] ?? Number.NaN;
      count += 1;
    }
  }
  return count === 0 ? Number.NaN : sum / count;
}

test('cells of an input that 16 divides are means over whole px', () => {
  const size = { height: 32, width: 48 };
  const map = Float32Array.from({ length: 32 * 48 }, (_, px) => px);
  const reached = { y: allOf(32), x: allOf(48) };
  const cells = averageCells(map, inputCells(size), reached);
  expect(cells[0]).toBe((0 + 1 + 2 + 48 + 49 + 50) / 6);
  expect(cells[255]).toBe((30 * 48 + 45 + 31 * 48 + 47) / 2);
});

test('a cell is the mean of its px, each by its area, whatever the extent', () => {
  const extent = fc.constantFrom(6, 8, 10, 20, 24);
  fc.assert(
    fc.property(extent, extent, fc.integer(), (height, width, seed) => {
      const map = Float32Array.from({ length: height * width }, (_, px) =>
        Math.sin(px * 12.9898 + (seed % 1000)),
      );
      const reached = { y: allOf(height), x: allOf(width) };
      const cells = averageCells(map, inputCells({ height, width }), reached);
      for (const cell of [0, 7, 100, 255]) {
        const [row, column] = [Math.floor(cell / 16), cell % 16];
        const from = [(row * height) / 16, (column * width) / 16];
        const to = [((row + 1) * height) / 16, ((column + 1) * width) / 16];
        expect(cells[cell]).toBeCloseTo(averageByParts(map, width, from, to), 5);
      }
    }),
    { numRuns: 20 },
  );
});

test('the middle half of the cells is the box, and cells outside of the input are not known', () => {
  const map = new Float32Array(64 * 64);
  for (let y = 8; y < 24; y++) map.fill(1, y * 64 + 2, y * 64 + 18);
  const reached = { y: allOf(64), x: allOf(64) };
  const cells = averageCells(map, boxCells({ top: 8, left: 2, bottom: 24, right: 18 }), reached);
  for (const [cell, value] of cells.entries()) {
    const [row, column] = [Math.floor(cell / 16), cell % 16];
    const isInside = row >= 4 && row < 12 && column >= 4 && column < 12;
    // Cells are 2 px wide: of the columns, 0 to 2 lie left of the input.
    const expected = column < 3 ? Number.NaN : Number(isInside);
    expect([cell, value]).toEqual([cell, expected]);
  }
});

test('px that no patch reaches do not count', () => {
  const map = new Float32Array(32 * 32).fill(3);
  const reached = { y: allOf(32).fill(0, 31), x: allOf(32).fill(0, 0, 2) };
  map.fill(0, 31 * 32);
  for (let y = 0; y < 32; y++) map.fill(0, y * 32, y * 32 + 2);
  const cells = averageCells(map, inputCells({ height: 32, width: 32 }), reached);
  for (const [cell, value] of cells.entries()) {
    expect(value).toBe(cell % 16 === 0 ? Number.NaN : 3);
  }
});

test('maps are averaged over those that know a cell', () => {
  const maps = [Float32Array.of(1, Number.NaN, Number.NaN), Float32Array.of(3, 5, Number.NaN)];
  expect(averageMaps(maps)).toEqual(Float32Array.of(2, 5, Number.NaN));
});
