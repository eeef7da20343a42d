import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Layer } from '@umbra/shared/contracts/layer';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readBundle } from '../models/bundle.js';
import { findLayer, listLayers } from '../network/layers.js';
import { openNetwork } from '../network/network.js';
import { seenBox } from '../network/units.js';
import {
  alexNetFeatures,
  chainNetwork,
  dilatedFeatures,
  resNet18,
  vgg16Features,
} from '../testing/known-networks.js';
import { writeTinyBundle } from '../testing/tiny-bundle.js';
import { encodeOnnx, type Network } from '../testing/tiny-onnx.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'umbra-fields-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** All that is positive moves what it reaches: nothing cancels, and no unit is off. */
const positive = (index: number) => 0.5 + (index % 7) / 14;

async function open(name: string, network: Network, size: number) {
  const path = await writeTinyBundle(folder, { name, size, onnx: encodeOnnx(network) });
  return openNetwork(path, (await readBundle(path)).bundle);
}

const sizes = (layers: readonly Layer[], kind: Layer['kind']) =>
  layers
    .filter((layer) => layer.kind === kind)
    .map(({ receptiveField: field }) =>
      field.kind === 'window' ? [field.y.size, field.y.jump] : field.kind,
    );

describe('receptive fields are those published', () => {
  test('for AlexNet', async () => {
    const network = chainNetwork(
      alexNetFeatures.map((layer) => (layer.op === 'conv' ? { ...layer, channels: 2 } : layer)),
    );
    const layers = listLayers((await open('alexnet', network, 224)).graph);
    expect(sizes(layers, 'convolution')).toEqual([
      [11, 4],
      [51, 8],
      [99, 16],
      [131, 16],
      [163, 16],
    ]);
    expect(sizes(layers, 'pooling')).toEqual([[19, 8], [67, 16], [195, 32], 'whole']);
    expect(layers.map(({ feature }) => feature).slice(0, 14)).toEqual([
      ...Array.from({ length: 13 }, (_, at) => at),
      null,
    ]);
  });

  test('for VGG16', async () => {
    const layers = listLayers((await open('vgg16', chainNetwork(vgg16Features), 224)).graph);
    expect(sizes(layers, 'convolution').map((pair) => pair[0])).toEqual([
      3, 5, 10, 14, 24, 32, 40, 60, 76, 92, 132, 164, 196,
    ]);
    expect(sizes(layers, 'pooling')).toEqual([
      [6, 2],
      [16, 4],
      [44, 8],
      [100, 16],
      [212, 32],
      'whole',
    ]);
  });

  test('for ResNet18', async () => {
    const layers = listLayers((await open('resnet18', resNet18(positive), 224)).graph);
    const sums = layers.filter(({ op }) => op === 'Add');
    expect(
      sums.map(({ receptiveField: field }) => field.kind === 'window' && field.y.size),
    ).toEqual([27, 43, 67, 99, 147, 211, 307, 435]);
    expect(layers.every(({ feature }) => feature === null)).toBe(true);
  });

  test('for three dilated convolutions', async () => {
    const layers = listLayers((await open('dilated', chainNetwork(dilatedFeatures), 32)).graph);
    expect(sizes(layers, 'convolution')).toEqual([
      [3, 1],
      [7, 1],
      [15, 1],
    ]);
  });
});

/** Two branches of different reach that meet, after an uneven pad. */
const branched: Network = {
  nodes: [
    {
      op: 'Conv',
      inputs: ['input', 'a'],
      output: 'stem',
      attributes: [
        { name: 'strides', ints: [2, 1] },
        { name: 'pads', ints: [0, 1, 2, 1] },
      ],
    },
    { op: 'Conv', inputs: ['stem', 'b'], output: 'narrow' },
    {
      op: 'Conv',
      inputs: ['stem', 'c'],
      output: 'wide',
      attributes: [
        { name: 'dilations', ints: [2, 3] },
        { name: 'pads', ints: [2, 3, 2, 3] },
      ],
    },
    {
      op: 'Concat',
      inputs: ['narrow', 'wide'],
      output: 'joined',
      attributes: [{ name: 'axis', int: 1 }],
    },
    { op: 'GlobalAveragePool', inputs: ['joined'], output: 'pooled' },
    { op: 'Flatten', inputs: ['pooled'], output: 'logits' },
  ],
  weights: [
    { name: 'a', shape: [2, 3, 3, 3], values: Array(54).fill(1) },
    { name: 'b', shape: [2, 2, 1, 1], values: Array(4).fill(1) },
    { name: 'c', shape: [2, 2, 3, 3], values: Array(36).fill(1) },
  ],
  input: { name: 'input', shape: ['N', 3, 'H', 'W'] },
  output: { name: 'logits', shape: ['N', 4] },
};

describe('the pixels that move a unit are those of its receptive field', () => {
  test.each([
    ['chain', chainNetwork(vgg16Features.slice(0, 10), positive), 40, 't9'],
    ['strided', chainNetwork(alexNetFeatures.slice(0, 6).map(thin), positive), 79, 't5'],
    ['dilated', chainNetwork(dilatedFeatures, positive), 32, 't5'],
    ['residual', shallow(resNet18(positive), 15), 64, ''],
    ['branched', branched, 24, 'joined'],
  ])('in a %s network', async (name, described, size, tensor) => {
    const network = await open(`moved-${name}`, described, size);
    const wanted = tensor === '' ? network.graph.nodes.at(-4) : undefined;
    const node = wanted ?? network.graph.nodes.find(({ outputs }) => outputs[0] === tensor);
    if (node === undefined) throw new Error(`No layer gives '${tensor}'`);
    const { layer } = findLayer(network.graph, node.name);
    const [, , rows = 0, columns = 0] = layer.outputShape ?? [];
    const upTo = await network.upTo(node);
    const unitsOf = async (image: Float32Array) => (await upTo.run(image)).data;
    const base = await unitsOf(new Float32Array(3 * size * size).fill(0.01));
    for (const unit of [
      { row: Math.floor(rows / 2), column: Math.floor(columns / 2) },
      { row: 0, column: columns - 1 },
    ]) {
      const at = unit.row * columns + unit.column;
      // A whole row or column of pixels at once: dilation leaves holes between those that are seen.
      const moves = async (isMoved: (y: number, x: number) => boolean) => {
        const image = new Float32Array(3 * size * size).fill(0.01);
        for (let pixel = 0; pixel < image.length; pixel++) {
          const [y, x] = [Math.floor((pixel % (size * size)) / size), pixel % size];
          // Large, so that a maximum moves too.
          if (isMoved(y, x)) image[pixel] = 1000;
        }
        const moved = await unitsOf(image);
        // Of a unit in any channel: branches that are joined differ in what they see.
        for (let place = at; place < moved.length; place += rows * columns) {
          if (moved[place] !== base[place]) return true;
        }
        return false;
      };
      const seen = seenBox(layer, unit, { height: size, width: size });
      const inColumn: number[] = [];
      const inRow: number[] = [];
      for (let px = 0; px < size; px++) {
        if (await moves((y) => y === px)) inColumn.push(px);
        if (await moves((_, x) => x === px)) inRow.push(px);
      }
      expect([inColumn[0], inColumn.at(-1)]).toEqual([seen.top, seen.bottom - 1]);
      expect([inRow[0], inRow.at(-1)]).toEqual([seen.left, seen.right - 1]);
    }
    await upTo.close();
  });
});

function thin(layer: (typeof alexNetFeatures)[number]): (typeof alexNetFeatures)[number] {
  return layer.op === 'conv' ? { ...layer, channels: 2 } : layer;
}

/** The network up to a node, and global pooling. */
function shallow(network: Network, nodes: number): Network {
  const kept = network.nodes.slice(0, nodes);
  const [pooling, ...rest] = network.nodes.slice(-3);
  if (pooling === undefined) throw new Error('Expected a network with a tail');
  return {
    ...network,
    nodes: [...kept, { ...pooling, inputs: [kept.at(-1)?.output ?? ''] }, ...rest],
  };
}
