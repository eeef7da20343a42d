import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { divergingColour } from '@umbra/shared/colour-map';
import { filterView } from '@umbra/shared/contracts/layer';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readBundle } from '../models/bundle.js';
import { encodeKernels } from '../network/kernels.js';
import { findLayer } from '../network/layers.js';
import { openNetwork } from '../network/network.js';
import type { Kernels, Network } from '../network/types.js';
import {
  alexNetFeatures,
  chainNetwork,
  hashedUniform,
  weightsApart,
} from '../testing/known-networks.js';
import { findFramed, frameLook, inkLook, isSameColour, readPicture } from '../testing/picture.js';
import { writeTinyBundle } from '../testing/tiny-bundle.js';
import { encodeOnnx } from '../testing/tiny-onnx.js';
import { renderFilters } from './filters.js';
import { laySlices } from './lay-slices.js';
import { layTiles, level, normaliseTile } from './tiles.js';

type Samples = readonly (readonly [index: number, value: number])[];
type Golden = {
  readonly layers: readonly {
    readonly feature: number;
    readonly shape: readonly [number, number, number, number];
    readonly rgb: Samples | null;
    readonly channels: Samples;
    readonly collated: Samples;
    readonly range: readonly [number, number];
  }[];
};
const golden = JSON.parse(
  await readFile(new URL('../../../../test/golden/filters/golden.json', import.meta.url), 'utf8'),
) as Golden;

let folder: string;
let network: Network;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'umbra-filters-'));
  network = await openAlexNet();
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** AlexNet's weights of the golden file: one slice and one kernel are constant. */
function alexNetWeight(index: number): number {
  const feature = Math.floor(index / weightsApart);
  const [, depth = 1, height = 1, width = 1] =
    golden.layers.find((layer) => layer.feature === feature)?.shape ?? [];
  const slice = Math.floor((index % weightsApart) / (height * width));
  if (slice === 5 * depth + 1) return 0.25;
  if (Math.floor(slice / depth) === 7) return -0.125;
  return hashedUniform(index);
}

async function openAlexNet() {
  const onnx = encodeOnnx(chainNetwork(alexNetFeatures, alexNetWeight));
  const path = await writeTinyBundle(folder, { name: 'alexnet', size: 224, onnx });
  return openNetwork(path, (await readBundle(path)).bundle);
}

/** Kernels in memory: weights by index. */
const kernelsOf = (
  shape: readonly [number, number, number, number],
  weightAt: (index: number) => number,
  groups = 1,
): Kernels => {
  const [kernels, depth, height, width] = shape;
  const length = depth * height * width;
  return {
    kernels,
    depth,
    height,
    width,
    groups,
    read: async (start, end) =>
      Float32Array.from({ length: (end - start) * length }, (_, at) =>
        weightAt(start * length + at),
      ),
  };
};
const figure = (kernels: Kernels, channels: 'RGB' | 'BGR' = 'RGB') => ({
  kernels,
  name: 'layer',
  channels,
});

describe("AlexNet's filters", () => {
  test.each(golden.layers.map((layer) => [layer.feature, layer] as const))(
    'of features %i equal PyTorch in every mode',
    async (feature, expected) => {
      const { node } = findLayer(network.graph, `features:${feature}`);
      const kernels = await network.kernels(node);
      const [count, depth, height, width] = expected.shape;
      expect(kernels).toMatchObject({ kernels: count, depth, height, width, groups: 1 });
      const weights = await kernels.read(0, count);
      const plane = height * width;
      const slice = (index: number, length: number) => {
        const start = Math.floor(index / length) * length;
        return normaliseTile(weights.subarray(start, start + length))[index - start] ?? Number.NaN;
      };
      for (const [index, value] of expected.channels) {
        expect(Math.abs(slice(index, plane) - value)).toBeLessThan(1e-6);
      }
      for (const [index, value] of expected.rgb ?? []) {
        expect(Math.abs(slice(index, 3 * plane) - value)).toBeLessThan(1e-6);
      }
      const view = filterView.parse({ mode: 'collated', cell: 1 });
      const { png } = await renderFilters(figure(kernels), view);
      const pixels = await readPicture(png);
      const corner = findFramed(pixels);
      const { placeOf } = laySlices({ ...kernels, first: 0 }, 1);
      const first = placeOf(0, 0);
      for (const [index, value] of expected.collated) {
        const [row, column] = [Math.floor(index / (depth * width)), index % (depth * width)];
        const place = placeOf(Math.floor(row / height), Math.floor(column / width));
        const [red = Number.NaN] = pixels.at(
          corner.left + place.left - first.left + (column % width),
          corner.top + place.top - first.top + (row % height),
        );
        expect(Math.abs(red - value * 255)).toBeLessThanOrEqual(0.51);
      }
    },
  );
});

test('a tile is brought to the middle of the scale, and a constant one is mid-grey', () => {
  expect([...normaliseTile(Float32Array.of(1, 1, 1))]).toEqual([0.5, 0.5, 0.5]);
  expect([...normaliseTile(Float32Array.of(0.1))]).toEqual([0.5]);
  expect([...normaliseTile(Float32Array.of(Number.NaN, 1))]).toEqual([0.5, 0.5]);
  expect([...normaliseTile(Float32Array.of(0, 1))]).toEqual([0, 1]);
  const [low, middle, high] = normaliseTile(Float32Array.of(-4, 0.1, 4));
  expect([low, high]).toEqual([0, 1]);
  expect(middle).toBeCloseTo(0.5 + (0.1 - 0.1 / 3) / Math.sqrt(32.01 / 3 - (0.1 / 3) ** 2), 6);
});

describe.each([
  ['RGB', 4],
  ['BGR', 3],
] as const)('rgb tiles of a %s model, cell %i', (channels, cell) => {
  const weightAt = (index: number) => Math.sin(index * index);
  const kernels = kernelsOf([14, 3, 3, 2], weightAt);
  const limit = Math.max(...Array.from({ length: 14 * 18 }, (_, at) => Math.abs(weightAt(at))));

  test.each(['own', 'layer'] as const)('are framed, on scale %s', async (scale) => {
    const view = filterView.parse({ mode: 'rgb', cell, scale });
    const { png, pages } = await renderFilters(figure(kernels, channels), view);
    expect(pages).toBe(1);
    const pixels = await readPicture(png);
    const corner = findFramed(pixels);
    const tiles = Array.from({ length: 14 }, (_, at) => ({
      title: String(at),
      height: 3,
      width: 2,
    }));
    const { placeOf } = layTiles(tiles, cell);
    for (const index of tiles.keys()) {
      const weights = await kernels.read(index, index + 1);
      const values =
        scale === 'own'
          ? normaliseTile(weights)
          : weights.map((weight) => 0.5 + weight / Math.fround(limit) / 2);
      const left = corner.left + placeOf(index).left - placeOf(0).left;
      const top = corner.top + placeOf(index).top - placeOf(0).top;
      for (let y = 0; y < 3 * cell; y++) {
        for (let x = 0; x < 2 * cell; x++) {
          const place = Math.floor(y / cell) * 2 + Math.floor(x / cell);
          const planes = [0, 1, 2].map((plane) => level(values[plane * 6 + place] ?? Number.NaN));
          expect(pixels.at(left + x, top + y)).toEqual(
            channels === 'RGB' ? planes : planes.reverse(),
          );
        }
      }
      const [right, bottom] = [left + 2 * cell, top + 3 * cell];
      for (let x = left - 1; x <= right; x++) {
        expect([pixels.at(x, top - 1), pixels.at(x, bottom)]).toEqual([frameLook, frameLook]);
      }
      for (let y = top; y < bottom; y++) {
        expect([pixels.at(left - 1, y), pixels.at(right, y)]).toEqual([frameLook, frameLook]);
      }
    }
    expect(placeOf(12).left).toBe(placeOf(0).left);
  });
});

/** Weights of which kernels 1 and 3 are dead: nothing, and a five-hundredth of the others. */
function withDeadKernels(length: number) {
  return (index: number) => {
    const kernel = Math.floor(index / length);
    const weight = 0.5 + hashedUniform(index) / 2;
    return kernel === 1 ? 0 : kernel === 3 ? weight / 500 : index % 2 === 0 ? weight : -weight;
  };
}

describe('dead kernels', () => {
  const kernels = kernelsOf([5, 2, 5, 5], withDeadKernels(50));

  test('are pale on the scale of the layer, and crossed out on either scale', async () => {
    for (const scale of ['own', 'layer'] as const) {
      const { png } = await renderFilters(figure(kernels), filterView.parse({ scale, cell: 4 }));
      const pixels = await readPicture(png);
      const corner = findFramed(pixels);
      const tiles = Array.from({ length: 10 }, (_, at) => ({
        title: `${Math.floor(at / 2)},${at % 2}`,
        ...{ height: 5, width: 5 },
      }));
      const { placeOf } = layTiles(tiles, 4);
      for (const index of tiles.keys()) {
        const left = corner.left + placeOf(index).left - placeOf(0).left;
        const top = corner.top + placeOf(index).top - placeOf(0).top;
        const isDead = [1, 3].includes(Math.floor(index / 2));
        for (const corner of [0, 19]) {
          expect(isSameColour(pixels.at(left + corner, top + corner), inkLook)).toBe(isDead);
          expect(isSameColour(pixels.at(left + 19 - corner, top + corner), inkLook)).toBe(isDead);
        }
        // Between the strokes of a cross.
        const colour = pixels.at(left + 10, top + 2);
        if (isDead && scale === 'layer') expect(Math.min(...colour)).toBeGreaterThan(235);
        if (!isDead && scale === 'layer') expect(Math.min(...colour)).toBeLessThan(190);
      }
    }
  });

  test('do not hide where every weight is 0', async () => {
    const none = kernelsOf([2, 1, 3, 3], () => 0);
    for (const mode of ['channels', 'collated'] as const) {
      const { png } = await renderFilters(figure(none), filterView.parse({ mode }));
      const { channels } = await sharp(png).stats();
      expect(channels[0]?.mean).toBeGreaterThan(150);
    }
  });
});

describe('kernels of 1 x 1', () => {
  const [rows, columns] = [12, 20];
  const kernels = kernelsOf([rows, columns, 1, 1], withDeadKernels(columns));

  test('are one matrix with diverging colours, and dead rows are marked', async () => {
    const view = filterView.parse({ cell: 9 });
    const drawn = await renderFilters(figure(kernels), view);
    expect(drawn.pages).toBe(1);
    const same = await renderFilters(figure(kernels), { ...view, mode: 'collated' });
    expect(same.png.equals(drawn.png)).toBe(true);
    const pixels = await readPicture(drawn.png);
    const corner = findFramed(pixels);
    const weights = await kernels.read(0, rows);
    const limit = weights.reduce((most, weight) => Math.max(most, Math.abs(weight)), 0);
    for (const [index, weight] of weights.entries()) {
      const [row, column] = [Math.floor(index / columns), index % columns];
      const colour = pixels.at(corner.left + column * 9 + 4, corner.top + row * 9 + 4);
      const exact = divergingColour(weight / limit);
      for (const [channel, value] of colour.entries()) {
        expect(Math.abs(value - (exact[channel] ?? Number.NaN))).toBeLessThanOrEqual(1);
      }
    }
    const right = corner.left + columns * 9;
    for (let row = 0; row < rows; row++) {
      const marks = Array.from({ length: 10 * 9 }, (_, at) =>
        pixels.at(right + 2 + (at % 10), corner.top + row * 9 + Math.floor(at / 10)),
      );
      expect(marks.some((colour) => isSameColour(colour, inkLook))).toBe([1, 3].includes(row));
    }
  });

  test('of a high layer keep to one page that can be looked at', async () => {
    const high = kernelsOf([1280, 320, 1, 1], hashedUniform);
    const { png, pages } = await renderFilters(figure(high), filterView.parse({}));
    expect(pages).toBe(1);
    const { width = 0, height = 0 } = await sharp(png).metadata();
    expect([width > 450, height < 1500]).toEqual([true, true]);
  });
});

test.each([
  [64, 3, 11],
  [32, 1, 3],
  [192, 64, 5],
  [10, 1, 7],
  [1, 1, 3],
])('collated, %i kernels of %i x %i are neither narrow nor tiny', async (count, depth, side) => {
  const kernels = kernelsOf([count, depth, side, side], hashedUniform);
  const { png } = await renderFilters(figure(kernels), filterView.parse({ mode: 'collated' }));
  const { width = 0, height = 1 } = await sharp(png).metadata();
  expect(width / height).toBeGreaterThan(0.6);
  expect(width / height).toBeLessThan(3);
  const { body, columns } = laySlices({ ...kernels, first: 0 });
  expect(Math.max(body.height, body.width)).toBeLessThanOrEqual(1024);
  const shown = columns.flatMap(({ start, end }) =>
    Array.from({ length: end - start }, (_, at) => start + at),
  );
  expect(shown).toEqual(Array.from({ length: count }, (_, at) => at));
});

test('collated slices are parted by lines, and framed together', async () => {
  const kernels = kernelsOf([2, 2, 5, 5], (index) => (index === 0 ? -1 : index === 1 ? 1 : 0));
  const view = filterView.parse({ mode: 'collated', cell: 4 });
  const pixels = await readPicture((await renderFilters(figure(kernels), view)).png);
  const { left, top } = findFramed(pixels);
  for (let place = 0; place < 20; place++) {
    expect(pixels.at(left + 20, top + place)).toEqual([255, 255, 255]);
    expect(pixels.at(left + 25, top + place)).toEqual([128, 128, 128]);
    expect(pixels.at(left + 41, top + place)).toEqual(frameLook);
  }
});

test('a weight that is no number is drawn as not known', async () => {
  const kernels = kernelsOf([2, 1, 4, 4], (at) => (at === 0 ? Number.NaN : 1));
  const pixels = await readPicture(
    (await renderFilters(figure(kernels), filterView.parse({ cell: 8 }))).png,
  );
  const { left, top } = findFramed(pixels);
  const seen = new Set(Array.from({ length: 8 }, (_, at) => String(pixels.at(left + at, top))));
  expect(seen).toEqual(new Set(['222,222,222', '140,140,140']));
  expect(pixels.at(left + 9, top)).toEqual([...divergingColour(1)]);
});

test('a depthwise layer and a layer of 262,144 slices are drawn in pages', async () => {
  const depthwise = kernelsOf([32, 1, 3, 3], hashedUniform, 32);
  expect((await renderFilters(figure(depthwise), filterView.parse({}))).pages).toBe(1);
  const deep = kernelsOf([512, 512, 3, 3], hashedUniform);
  const last = await renderFilters(figure(deep), filterView.parse({ page: '1366' }));
  expect(last).toMatchObject({ page: 1366, pages: 1366 });
  const map = await renderFilters(figure(deep), filterView.parse({ mode: 'collated' }));
  expect(map.pages).toBe(1);
  expect((await sharp(map.png).metadata()).width).toBeGreaterThan(512 * 3);
  const tall = kernelsOf([10_000, 2, 1, 1], hashedUniform);
  expect((await renderFilters(figure(tall), filterView.parse({ mode: 'collated' }))).pages).toBe(3);
});

test('a mode, page or cell that does not fit a layer is refused with those that do', async () => {
  const kernels = kernelsOf([8, 4, 3, 3], hashedUniform);
  const draw = (view: object) => renderFilters(figure(kernels), filterView.parse(view));
  await expect(draw({ mode: 'rgb' })).rejects.toThrow(
    'Expected mode channels or collated for layer',
  );
  await expect(draw({ page: 2 })).rejects.toThrow('Expected page to be from 1 to 1, got 2');
  const wide = kernelsOf([4096, 512, 7, 7], () => 0);
  await expect(
    renderFilters(figure(wide), filterView.parse({ mode: 'collated', cell: 64 })),
  ).rejects.toThrow('Expected cell to be from 1 to ');
});

test('weights are encoded as a NumPy file', async () => {
  const pieces: Buffer[] = [];
  for await (const piece of encodeKernels(kernelsOf([5, 2, 3, 3], hashedUniform)))
    pieces.push(piece);
  const file = Buffer.concat(pieces);
  expect(file.toString('latin1', 0, 128)).toContain("'shape': (5, 2, 3, 3)");
  expect(file.length).toBe(128 + 5 * 2 * 9 * 4);
  expect(file.readFloatLE(128 + 4 * 17)).toBe(Math.fround(hashedUniform(17)));
});
