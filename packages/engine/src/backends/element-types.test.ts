import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { occlusionSettings } from '@umbra/shared/contracts/settings';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openEngine } from '../engine.js';
import { halfFloat, toHalfFloat } from '../graph/half-float.js';
import { onnxType } from '../graph/onnx-proto.js';
import { checkModel } from '../models/check.js';
import { describeFolder } from '../models/describe.js';
import { addModel } from '../models/registry.js';
import { seededImage } from '../models/try-images.js';
import { openNetwork } from '../network/network.js';
import { tinyNetwork, writeTinyBundle } from '../testing/tiny-bundle.js';
import { encodeOnnx, type Network } from '../testing/tiny-onnx.js';
import type { Engine } from '../types.js';
import { decodeElements, type ElementTypeName, encodeElements } from './element-types.js';

let folder: string;
let engine: Engine;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'umbra-types-'));
  engine = openEngine({ inferenceThreads: 1 });
});
afterAll(async () => {
  await engine.close();
  await rm(folder, { recursive: true, force: true });
});

describe('half precision', () => {
  test('every number of 16 bits comes back as it was', () => {
    for (let bits = 0; bits < 0x10000; bits++) {
      const value = halfFloat(bits);
      if (Number.isNaN(value)) expect(halfFloat(toHalfFloat(value))).toBeNaN();
      // Negative zero has bits of its own, and JavaScript tells it from zero.
      else if (value !== 0) expect(toHalfFloat(value)).toBe(bits);
    }
  });

  test('a number becomes the nearest of 16 bits, and of two the even one', () => {
    fc.assert(
      fc.property(fc.float({ min: 0, max: 65_000, noNaN: true }), (value) => {
        const bits = toHalfFloat(value);
        const error = Math.abs(halfFloat(bits) - value);
        for (const other of [bits - 1, bits + 1].filter((one) => one >= 0)) {
          const otherError = Math.abs(halfFloat(other) - value);
          expect(error <= otherError).toBe(true);
          if (error === otherError) expect(bits % 2).toBe(0);
        }
      }),
      { numRuns: 2_000 },
    );
    expect([65_504, 65_519.99, 65_520, -1e9].map((value) => halfFloat(toHalfFloat(value)))).toEqual(
      [65_504, 65_504, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
    );
  });
});

test('whole numbers are rounded to the nearest and held to the range of their type', () => {
  const values = Float32Array.of(-1e6, -1.4, -0.6, 0.49, 0.5, 254.6, 300, 1e6);
  const through = (type: ElementTypeName) => [
    ...(decodeElements(encodeElements(values, type), type) ?? []),
  ];
  expect(through('uint8')).toEqual([0, 0, 0, 0, 1, 255, 255, 255]);
  expect(through('int8')).toEqual([-128, -1, -1, 0, 1, 127, 127, 127]);
  expect(through('int64')).toEqual([-1e6, -1, -1, 0, 1, 255, 300, 1e6]);
  expect(through('uint64')).toEqual([0, 0, 0, 0, 1, 255, 300, 1e6]);
  expect(through('float64')).toEqual([...values]);
});

const side = 32;
const tiny = tinyNetwork();

/** The tiny network with other types at its ends. */
const between = (input: number, output: number): Network => ({
  ...tiny,
  nodes: [
    { op: 'Cast', inputs: ['image'], output: 'input', attributes: [{ name: 'to', int: 1 }] },
    ...tiny.nodes,
    { op: 'Cast', inputs: ['logits'], output: 'scores', attributes: [{ name: 'to', int: output }] },
  ],
  input: { name: 'image', shape: ['N', 3, side, side], type: input },
  output: { name: 'scores', shape: ['N', 5], type: output },
});

const types = ['uint8', 'int32', 'int64', 'half', 'double', 'float', 'uint16'] as const;

async function add(name: string, network: Network, scale?: number) {
  const file = join(folder, `${name}.onnx`);
  await writeFile(file, encodeOnnx(network));
  const staged = await describeFolder(file, { output: 'logits', scale });
  return (await addModel(join(folder, 'registry'), staged)).folder;
}

const settings = occlusionSettings.parse({
  patch: 8,
  stride: 8,
  score: 'logit',
  fill: { kind: 'constant', value: 90, space: 'normalized' },
  target: { kind: 'class', index: 1 },
});

async function scoresOf(path: string, strategy: 'auto' | 'dense' | 'incremental') {
  const model = await engine.open(path);
  const size = { height: side, width: side };
  const crop = { top: 0, left: 0, bottom: side, right: side };
  const tensor = seededImage({ ...model.bundle.input, scale: 1, mean: [0, 0, 0], std: [1, 1, 1] });
  const image = { ...size, frame: { photo: size, resized: size, crop }, tensor };
  const run = await model.occlude(image, model.resolve({ ...settings, strategy }, size));
  return { scores: [...(run.scores[0] ?? [])], strategy: run.provenance.strategy };
}

describe('a model with other types at its ends', () => {
  test.each(types)('%s: pixels enter and scores leave as their numbers', async (type) => {
    const expected = await scoresOf(await add('plain', tiny2(), 1), 'dense');
    const path = await add(`takes-${type}`, between(onnxType[type], onnxType.float), 1);
    expect((await scoresOf(path, 'auto')).scores).toEqual(expected.scores);
    const given = await scoresOf(
      await add(`gives-${type}`, between(onnxType.float, onnxType[type]), 1),
      'dense',
    );
    const isWhole = !['half', 'double', 'float'].includes(type);
    const convert = (score: number) =>
      isWhole ? Math.trunc(score) : type === 'half' ? halfFloat(toHalfFloat(score)) : score;
    if (type !== 'uint8' && type !== 'uint16') {
      expect(given.scores).toEqual(expected.scores.map(convert));
    }
    expect(new Set(expected.scores).size).toBeGreaterThan(10);
  });

  /** The tiny network for one extent, so that its file says it. */
  const tiny2 = (): Network => ({ ...tiny, input: { name: 'input', shape: ['N', 3, side, side] } });

  test('scores in float64 are scored by segments too', async () => {
    const last = between(onnxType.float, onnxType.double);
    const nodes = last.nodes.slice(1);
    const network = {
      ...last,
      nodes,
      input: { name: 'input', shape: ['N', 3, side, side] },
    };
    const path = await add('double', network, 1);
    const [dense, incremental] = [
      await scoresOf(path, 'dense'),
      await scoresOf(path, 'incremental'),
    ];
    expect(incremental.strategy).toBe('incremental');
    for (const [position, score] of dense.scores.entries()) {
      expect(incremental.scores[position]).toBeCloseTo(score, 2);
    }
  });

  test('whole numbers need no scale, and one that leaves black and white is refused', async () => {
    const network = between(onnxType.uint8, onnxType.float);
    const path = await add('bytes', network);
    expect((await engine.open(path)).bundle.input.scale).toBe(1);
    expect((await checkModel(path)).filter(({ ok }) => ok !== true)).toEqual([]);
    await expect(add('dark', network, 1 / 255)).rejects.toThrow(
      /to take pixels as uint8.*at least 16 levels, got 1.0: set input.scale to 1/,
    );
  });

  test('its layers are seen', async () => {
    const path = await add('seen', between(onnxType.half, onnxType.half), 1);
    const { bundle } = await engine.open(path);
    const network = await openNetwork(path, bundle);
    for (const wanted of ['Conv', 'Cast']) {
      const layer = network.graph.nodes.findLast(({ op }) => op === wanted);
      if (layer === undefined) throw new Error(`no ${wanted}`);
      const part = await network.upTo(layer);
      const { data } = await part.run(seededImage(bundle.input));
      expect(data.every(Number.isFinite)).toBe(true);
      await part.close();
    }
    await network.close();
  });

  test('strings are refused when it is added', async () => {
    const last = between(onnxType.float, onnxType.text);
    await expect(add('words', last, 1)).rejects.toThrow(
      "to give scores, a tensor of numbers, as output 'scores', got string [N, 5]",
    );
  });

  test('a sequence is refused when it is added', async () => {
    const network: Network = {
      ...tiny,
      nodes: [...tiny.nodes, { op: 'SequenceConstruct', inputs: ['logits'], output: 'scores' }],
      input: { name: 'input', shape: ['N', 3, side, side] },
      output: { name: 'scores', sequence: true, shape: ['N', 5] },
    };
    await expect(add('sequence', network, 1)).rejects.toThrow('got a sequence or map');
  });
});

test('a description that says float32 for another input is not needed: the file says it', async () => {
  const onnx = encodeOnnx(between(onnxType.half, onnxType.double));
  const path = await writeTinyBundle(folder, { name: 'ends', onnx });
  const { scores } = await scoresOf(path, 'auto');
  expect(scores.every(Number.isFinite)).toBe(true);
});
