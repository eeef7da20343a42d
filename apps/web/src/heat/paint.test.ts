import { divergingColour } from '@umbra/shared/colour-map';
import { planGrid } from '@umbra/shared/occlusion/grid';
import { describe, expect, test } from 'vitest';
import { cellAt, layOutCells } from './cell-layout.js';
import { limitOf, type ScoreCells } from './cells.js';
import { type Painting, paintHeat } from './paint.js';

const image = { height: 32, width: 48 };
const grid = planGrid(image, { height: 16, width: 16 }, { y: 16, x: 16 }, 'clip');
const layout = layOutCells(grid);
const cells: ScoreCells = {
  rows: 2,
  columns: 3,
  baseline: 0.5,
  scores: Float32Array.of(0.5, 0, 0.25, 1, Number.NaN, 0.5),
  predictedClasses: new Int32Array(6),
};
const pixelAt = ({ pixels, width }: Painting, y: number, x: number) => [
  ...pixels.subarray((y * width + x) * 4, (y * width + x) * 4 + 4),
];
const paint = (options: Partial<Parameters<typeof paintHeat>[3]> = {}) =>
  paintHeat(cells, layout, image, {
    limit: limitOf([cells]),
    isSmooth: false,
    layer: 'map',
    opacity: 0.8,
    ...options,
  });

describe('a layout of cells', () => {
  test('covers the image, with borders halfway between centres of patches', () => {
    expect(layout).toEqual({
      yCentres: [8, 24],
      xCentres: [8, 24, 40],
      yBorders: [0, 16, 32],
      xBorders: [0, 16, 32, 48],
    });
  });

  test('has patches that overlap, and ones that are cut at the border', () => {
    const overlapping = planGrid(image, { height: 20, width: 20 }, { y: 10, x: 10 }, 'clip');
    expect(layOutCells(overlapping).yCentres).toEqual([10, 20, 26]);
    expect(layOutCells(overlapping).yBorders).toEqual([0, 15, 23, 32]);
  });

  test.each([
    [0, 0],
    [15.9, 0],
    [16, 1],
    [47.9, 2],
    [60, 2],
  ])('finds the cell of x %d: %d', (x, cell) => {
    expect(cellAt(layout.xBorders, x)).toBe(cell);
  });
});

describe('a painting', () => {
  test("has the engine's colour of each drop, with the largest at the end of the scale", () => {
    const painting = paint();
    expect(pixelAt(painting, 0, 0)).toEqual([...divergingColour(0), 255]);
    expect(pixelAt(painting, 3, 20)).toEqual([...divergingColour(1), 255]);
    expect(pixelAt(painting, 15, 47)).toEqual([...divergingColour(0.5), 255]);
    expect(pixelAt(painting, 16, 0)).toEqual([...divergingColour(-1), 255]);
  });

  test('is clear over the photo where nothing drops, and as opaque as asked where it does', () => {
    const painting = paint({ layer: 'over', opacity: 0.6 });
    expect(pixelAt(painting, 0, 0)[3]).toBe(0);
    expect(pixelAt(painting, 3, 20)).toEqual([...divergingColour(1), 153]);
  });

  test.each([false, true])('hatches what is not known yet; smooth: %s', (isSmooth) => {
    const painting = paint({ isSmooth });
    const alphas = Array.from({ length: 8 }, (_, x) => pixelAt(painting, 24, 18 + x)[3]);
    expect(alphas.sort()).toEqual([150, 150, 56, 56, 56, 56, 56, 56]);
  });

  test('that is smooth has the drop itself at a centre, and what lies between elsewhere', () => {
    const painting = paintHeat(
      { ...cells, rows: 1, columns: 3, scores: Float32Array.of(0.5, 0, 0.5) },
      { ...layout, yBorders: [0, 32], yCentres: [16] },
      image,
      { limit: 0.5, isSmooth: true, layer: 'map', opacity: 1 },
    );
    expect(pixelAt(painting, 0, 0)).toEqual([...divergingColour(0), 255]);
    const [, green = 0] = pixelAt(painting, 0, 16);
    expect(green).toBeLessThan(divergingColour(0.4)[1]);
    expect(green).toBeGreaterThan(divergingColour(0.6)[1]);
  });

  test('of a flat map has no colour', () => {
    expect(pixelAt(paint({ limit: 0 }), 3, 20)).toEqual([...divergingColour(0), 255]);
  });

  test('of a large input is smaller than that', () => {
    const large = { height: 4480, width: 896 };
    const big = planGrid(large, { height: 448, width: 448 }, { y: 448, x: 448 }, 'clip');
    const scores = new Float32Array(big.rows * big.columns);
    const map = { ...cells, rows: big.rows, columns: big.columns, scores };
    const options = { limit: 1, isSmooth: false, layer: 'map', opacity: 1 } as const;
    expect(paintHeat(map, layOutCells(big), large, options)).toMatchObject({
      height: 448,
      width: 90,
    });
  });
});
