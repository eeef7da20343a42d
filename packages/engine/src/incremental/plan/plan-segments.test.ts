import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { graphFromOnnx } from '../../graph/from-onnx.js';
import { readOnnxModel } from '../../models/read-onnx-model.js';
import { encodeOnnx, type Node, type Weight } from '../../testing/tiny-onnx.js';
import { planSegments } from './plan-segments.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'umbra-plan-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const size = { height: 64, width: 64 };
const patch = { height: 8, width: 8 };

const weight = (name: string, shape: readonly number[]): Weight => {
  const length = shape.reduce((product, extent) => product * extent, 1);
  return { name, shape, values: Array.from({ length }, (_, at) => Math.sin(at)) };
};
const whole = (name: string, values: readonly number[]): Weight => {
  return { name, shape: [values.length], values, whole: true };
};
const node = (op: string, inputs: string[], output: string, rest: Partial<Node> = {}): Node => {
  return { op, inputs, output, ...rest };
};
const perm = (...ints: number[]) => ({ attributes: [{ name: 'perm', ints }] });
const axes = (...ints: number[]) => ({ attributes: [{ name: 'axes', ints }] });
const padded = { attributes: [{ name: 'pads', ints: [1, 1, 1, 1] }] };

type Case = { readonly nodes: readonly Node[]; readonly weights: readonly Weight[] };

/** A stem of 16 channels, what is given, and a head. */
async function plan(name: string, { nodes, weights }: Case, batch: string | number = 'N') {
  const file = `${name}.onnx`;
  const network = {
    nodes: [node('Conv', ['input', 'stem'], 'map', padded), ...nodes],
    weights: [weight('stem', [16, 3, 3, 3]), ...weights],
    input: { name: 'input', shape: [batch, 3, 64, 64] },
    output: { name: 'logits', shape: [] },
  };
  await writeFile(join(folder, file), encodeOnnx(network));
  const model = await readOnnxModel(join(folder, file), file);
  return planSegments(model, graphFromOnnx(model, size), patch);
}

const head = (input: string): Node => node('ReduceMean', [input], 'logits', axes(2, 3));
const middle = weight('middle', [16, 16, 3, 3]);

test('shuffled channels, and channels last, are followed to the head', async () => {
  const { stop, macs, segments } = await plan('shuffled', {
    nodes: [
      node('Reshape', ['map', 'groups'], 'grouped'),
      node('Transpose', ['grouped'], 'turned', perm(0, 2, 1, 3, 4)),
      node('Reshape', ['turned', 'joined'], 'shuffled'),
      node('Conv', ['shuffled', 'middle'], 'after', padded),
      node('Transpose', ['after'], 'last', perm(0, 2, 3, 1)),
      node('LayerNormalization', ['last', 'scale'], 'normal'),
      node('MatMul', ['normal', 'dense'], 'mixed'),
      node('Transpose', ['mixed'], 'first', perm(0, 3, 1, 2)),
      head('first'),
    ],
    weights: [
      middle,
      weight('scale', [16]),
      weight('dense', [16, 16]),
      whole('groups', [-1, 2, 8, 64, 64]),
      whole('joined', [-1, 16, 64, 64]),
    ],
  });
  expect(stop).toEqual({
    reason: 'head',
    node: { name: 'ReduceMean logits', op: 'ReduceMean' },
    macsBefore: 1,
  });
  const dense = (64 * 64 * 16 * (3 * 9 + 16 * 9 + 16)) / 1e6;
  expect(macs?.dense).toBeCloseTo(dense, 6);
  expect(macs?.changed).toBeLessThan(dense / 10);
  expect(segments.length).toBeGreaterThan(0);
});

describe('a plan says what stops it', () => {
  const before = 27 / (27 + 144);

  test('squeeze-and-excitation', async () => {
    const { stop } = await plan('squeeze', {
      nodes: [
        node('GlobalAveragePool', ['map'], 'mean'),
        node('Sigmoid', ['mean'], 'scale'),
        node('Mul', ['map', 'scale'], 'scaled'),
        node('Conv', ['scaled', 'middle'], 'after', padded),
        head('after'),
      ],
      weights: [middle],
    });
    expect(stop).toMatchObject({
      reason: 'squeeze-and-excitation',
      node: { op: 'GlobalAveragePool' },
    });
    expect(stop?.macsBefore).toBeCloseTo(before, 9);
  });

  test('attention', async () => {
    const { stop } = await plan('attention', {
      nodes: [
        node('Reshape', ['map', 'tokens'], 'rows'),
        node('Transpose', ['rows'], 'columns', perm(0, 2, 1)),
        node('MatMul', ['rows', 'columns'], 'products'),
        node('ReduceMean', ['products'], 'logits', axes(2)),
      ],
      weights: [whole('tokens', [0, 16, -1])],
    });
    expect(stop).toMatchObject({ reason: 'attention', node: { op: 'Reshape' } });
  });

  test.each([
    ['InstanceNormalization', 'normalization', ['scale', 'scale']],
    ['LpPool', 'unknown operation', []],
  ])('%s', async (op, reason, inputs) => {
    const attributes = op === 'LpPool' ? [{ name: 'kernel_shape', ints: [1, 1] }] : [];
    const { stop, segments } = await plan(op, {
      nodes: [
        node(op, ['map', ...inputs], 'next', { attributes }),
        node('Conv', ['next', 'middle'], 'after', padded),
        head('after'),
      ],
      weights: [middle, weight('scale', [16])],
    });
    expect(stop).toMatchObject({ reason, node: { op } });
    expect(segments).toHaveLength(1);
  });
});

test('where a count is not known, neither are the multiply-adds nor the gain', async () => {
  const { gain, macs, segments, stop } = await plan('foreign', {
    nodes: [node('Fast', ['map'], 'next', { domain: 'mine' }), head('next')],
    weights: [],
  });
  expect([gain, macs]).toEqual([null, null]);
  expect(stop).toMatchObject({ reason: 'unknown operation', macsBefore: null });
  expect(segments).toHaveLength(1);
});
