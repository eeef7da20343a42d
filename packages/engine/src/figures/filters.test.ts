import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
import { writeTinyBundle } from '../testing/tiny-bundle.js';
import { encodeOnnx } from '../testing/tiny-onnx.js';
import { renderFilters } from './filters.js';
import { layTiles, level, normaliseTile, tileGeometry } from './tiles.js';

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

async function pixelsOf(png: Buffer) {
  const { data, info } = await sharp(png).raw().toBuffer({ resolveWithObject: true });
  return (left: number, top: number) => [
    ...data.subarray((top * info.width + left) * 3, (top * info.width + left) * 3 + 3),
  ];
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
      const { png } = await renderFilters(figure(kernels), {
        mode: 'collated',
        cell: 1,
        page: 1,
      });
      const at = await pixelsOf(png);
      const { height: figureHeight = 0 } = await sharp(png).metadata();
      const top = figureHeight - tileGeometry.margin - count * height;
      for (const [index, value] of expected.collated) {
        const [row, column] = [Math.floor(index / (depth * width)), index % (depth * width)];
        const [red = Number.NaN] = at(tileGeometry.margin + column, top + row);
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

test.each([
  ['RGB', 4],
  ['BGR', 1],
] as const)(
  'rgb tiles of a %s model are where their geometry says, cell %i',
  async (channels, cell) => {
    const kernels = kernelsOf([14, 3, 3, 2], (index) => Math.sin(index * index));
    const { png, pages } = await renderFilters(figure(kernels, channels), {
      mode: 'rgb',
      cell,
      page: 1,
    });
    expect(pages).toBe(1);
    const at = await pixelsOf(png);
    const tiles = await Promise.all(
      Array.from({ length: 14 }, async (_, index) => ({
        title: String(index),
        values: normaliseTile(await kernels.read(index, index + 1)),
        ...{ height: 3, width: 2 },
      })),
    );
    const { height = 0 } = await sharp(png).metadata();
    const shift = height - layTiles(tiles, cell, 0).canvas.height;
    for (const [index, { values }] of tiles.entries()) {
      const { left, top } = layTiles(tiles, cell, shift).placeOf(index);
      for (let y = 0; y < 3 * cell; y++) {
        for (let x = 0; x < 2 * cell; x++) {
          const place = Math.floor(y / cell) * 2 + Math.floor(x / cell);
          const planes = [0, 1, 2].map((plane) => level(values[plane * 6 + place] ?? Number.NaN));
          expect(at(left + x, top + y)).toEqual(channels === 'RGB' ? planes : planes.reverse());
        }
      }
      expect(at(left - 1, top)).toEqual([255, 255, 255]);
      expect(at(left + 2 * cell, top)).toEqual([255, 255, 255]);
    }
    expect(layTiles(tiles, cell, 0).placeOf(12).left).toBe(
      layTiles(tiles, cell, 0).placeOf(0).left,
    );
  },
);

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
