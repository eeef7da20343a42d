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

async function add(name: string, network: Network, scale?: number, mean?: readonly number[]) {
  const file = join(folder, `${name}.onnx`);
  await writeFile(file, encodeOnnx(network));
  const staged = await describeFolder(file, { output: 'logits', scale, mean });
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

  test('whole numbers that do not hold black and white are refused', async () => {
    const signed = between(onnxType.int8, onnxType.float);
    await expect(add('signed', signed)).rejects.toThrow(/does not say:\n {2}--scale S, and --mean/);
    await expect(add('signed', signed, 1)).rejects.toThrow(
      'as int8, whole numbers from -128 to 127, got 0 to 255 for black to white in channel 0: set input.scale, input.mean and input.std to what it was made for, such as 1, 128 and 1 (--scale 1 --mean 128,128,128)',
    );
    const path = await add('signed', signed, 1, [128, 128, 128]);
    expect((await checkModel(path)).filter(({ ok }) => ok !== true)).toEqual([]);
    const unsigned = between(onnxType.uint8, onnxType.float);
    await expect(add('unsigned', unsigned, 1, [0, 0, 128])).rejects.toThrow(
      'as uint8, whole numbers from 0 to 255, got -128 to 127 for black to white in channel 2: set input.scale to 1 and input.mean to 0 (--scale 1)',
    );
    // A half level is rounded away.
    await add('nearly', unsigned, 1, [0.4, 0.4, 0.4]);
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

describe('a network of other numbers between float32 ends', () => {
  const ends = {
    input: { name: 'image', shape: ['N', 3, side, side] },
    output: { name: 'scores', shape: ['N', 5] },
  };
  const cast = (from: string, output: string, to: number) => ({
    op: 'Cast',
    inputs: [from],
    output,
    attributes: [{ name: 'to', int: to }],
  });
  const level = { name: 'level', shape: [], values: [0.05] };
  const zero = { name: 'zero', shape: [], values: [128], byte: true };
  const quantize = (from: string, output: string) => ({
    op: 'QuantizeLinear',
    inputs: [from, 'level', 'zero'],
    output,
  });
  const dequantize = (from: string, output: string) => ({
    op: 'DequantizeLinear',
    inputs: [from, 'level', 'zero'],
    output,
  });
  const [conv, relu, ...rest] = tiny.nodes;
  if (conv === undefined || relu === undefined) throw new Error('no nodes');
  const image = { ...conv, inputs: ['image', 'w1'] };
  const scores = rest.map((node) =>
    node.output === 'logits' ? { ...node, output: 'scores' } : node,
  );
  /** The tiny network with operations between its first layer and the second. */
  const amid = (nodes: Network['nodes'], weights: Network['weights'] = []): Network => ({
    ...ends,
    nodes: [image, { ...relu, output: 'first' }, ...nodes, ...scores],
    weights: [...tiny.weights, ...weights],
  });

  const inHalf: Network = {
    ...between(onnxType.float, onnxType.float),
    ...ends,
    nodes: [
      ...tiny.weights.map(({ name }) => cast(name, `half ${name}`, onnxType.half)),
      cast('image', 'input', onnxType.half),
      ...tiny.nodes.map((node) => ({
        ...node,
        inputs: node.inputs.map((name) => (name.startsWith('w') ? `half ${name}` : name)),
      })),
      cast('logits', 'scores', onnxType.float),
    ],
  };
  const byOperators = amid(
    [
      quantize('first', 'q1'),
      quantize('w2', 'qw'),
      {
        ...(rest[0] ?? conv),
        op: 'QLinearConv',
        inputs: ['q1', 'level', 'zero', 'qw', 'level', 'zero', 'level', 'zero'],
        output: 'q2',
      },
      dequantize('q2', 'r1'),
    ],
    [level, zero],
  );

  test.each<[string, Network]>([
    ['half', inHalf],
    ['half-amid', amid([cast('first', 'h', onnxType.half), cast('h', 'r1', onnxType.float)])],
    ['q-operator', byOperators],
    ['qdq', amid([quantize('first', 'q'), dequantize('q', 'r1')], [level, zero])],
    [
      'written-out',
      amid(
        [
          { op: 'Div', inputs: ['first', 'level'], output: 'd' },
          { op: 'Round', inputs: ['d'], output: 'q' },
          { op: 'Mul', inputs: ['q', 'level'], output: 'r1' },
        ],
        [level],
      ),
    ],
  ])('%s: it is run whole, since it rounds', async (name, network) => {
    const path = await add(name, network, 1 / 255);
    const steps = await checkModel(path);
    expect(steps.filter(({ ok }) => ok !== true)).toEqual([]);
    expect(steps.at(-1)?.detail).toContain('runs dense only');
    const [auto, dense] = [await scoresOf(path, 'auto'), await scoresOf(path, 'dense')];
    expect(auto.scores).toEqual(dense.scores);
    expect(new Set(dense.scores).size).toBeGreaterThan(2);
  });

  test.each<[string, Network]>([
    ['doubles', amid([cast('first', 'd', onnxType.double), cast('d', 'r1', onnxType.float)])],
    [
      'truths',
      amid(
        [
          { op: 'Greater', inputs: ['first', 'level'], output: 'mask' },
          { op: 'Where', inputs: ['mask', 'first', 'level'], output: 'r1' },
        ],
        [level],
      ),
    ],
  ])('%s: windows go up to there', async (name, network) => {
    const path = await add(name, network, 1 / 255);
    expect((await checkModel(path)).filter(({ ok }) => ok !== true)).toEqual([]);
    const incremental = await scoresOf(path, 'incremental');
    expect(incremental.strategy).toBe('incremental');
    const dense = await scoresOf(path, 'dense');
    for (const [position, score] of dense.scores.entries()) {
      expect(incremental.scores[position]).toBeCloseTo(score, 2);
    }
  });
});

test('a description that says float32 for another input is not needed: the file says it', async () => {
  const onnx = encodeOnnx(between(onnxType.half, onnxType.double));
  const path = await writeTinyBundle(folder, { name: 'ends', onnx });
  const { scores } = await scoresOf(path, 'auto');
  expect(scores.every(Number.isFinite)).toBe(true);
});
