import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readOnnxModel } from '../models/read-onnx-model.js';
import { runShapeProbe } from '../network/run-shape-probe.js';
import { encodeOnnx, type Node, type Weight } from '../testing/tiny-onnx.js';
import { graphFromOnnx } from './from-onnx.js';
import { encodeProbe, inferGraph } from './infer-graph.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'umbra-shapes-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const size = { height: 12, width: 8 };
const weight = (name: string, shape: readonly number[]): Weight => {
  const length = shape.reduce((product, extent) => product * extent, 1);
  return { name, shape, values: Array.from({ length }, (_, at) => Math.sin(at)) };
};
const whole = (name: string, values: readonly number[]): Weight => {
  return { name, shape: [values.length], values, whole: true };
};
const bytes = (name: string, shape: readonly number[]): Weight => {
  const values = weight(name, shape).values.map((value) => Math.round(10 + 5 * value));
  return { name, shape, values, byte: true };
};
const node = (op: string, inputs: string[], output: string, rest: Partial<Node> = {}): Node => {
  return { op, inputs, output, ...rest };
};
const ints = (name: string, values: number[]) => ({ name, ints: values });
const int = (name: string, value: number) => ({ name, int: value });

type Case = {
  readonly nodes: readonly Node[];
  readonly weights?: readonly Weight[];
  readonly opset?: number;
};

async function read(name: string, { nodes, weights = [], opset = 17 }: Case) {
  const file = `${name.replaceAll(/\W/g, '-')}.onnx`;
  const network = {
    nodes,
    weights,
    opset,
    input: { name: 'input', shape: ['N', 3, 'H', 'W'] },
    output: { name: nodes.at(-1)?.output ?? '', shape: [] },
  };
  await writeFile(join(folder, file), encodeOnnx(network));
  return readOnnxModel(join(folder, file), file);
}

/** A head split of ViT: tokens to queries, keys and values, as `torch.nn.MultiheadAttention` does. */
const attention: Case = {
  nodes: [
    node('Conv', ['input', 'patch'], 'patches', { attributes: [ints('strides', [4, 4])] }),
    node('Shape', ['patches'], 'extents'),
    node('Gather', ['extents', 'first'], 'images'),
    node('Concat', ['images', 'rest'], 'target', { attributes: [int('axis', 0)] }),
    node('Reshape', ['patches', 'target'], 'flat'),
    node('Transpose', ['flat'], 'tokens', { attributes: [ints('perm', [0, 2, 1])] }),
    node('MatMul', ['tokens', 'qkv'], 'projected'),
    node('Reshape', ['projected', 'heads'], 'split'),
    node('Transpose', ['split'], 'turned', { attributes: [ints('perm', [2, 0, 3, 1, 4])] }),
    node('Split', ['turned', 'thirds'], 'q', {
      otherOutputs: ['k', 'v'],
      attributes: [int('axis', 0)],
    }),
    node('Transpose', ['k'], 'keys', { attributes: [ints('perm', [0, 1, 2, 4, 3])] }),
    node('MatMul', ['q', 'keys'], 'weights'),
    node('Softmax', ['weights'], 'shares', { attributes: [int('axis', -1)] }),
    node('MatMul', ['shares', 'v'], 'seen'),
    node('ReduceMean', ['seen'], 'logits', { attributes: [ints('axes', [0, 2, 3])] }),
  ],
  weights: [
    weight('patch', [8, 3, 4, 4]),
    weight('qkv', [8, 24]),
    whole('first', [0]),
    whole('rest', [8, -1]),
    whole('heads', [0, -1, 3, 2, 4]),
    whole('thirds', [1, 1, 1]),
  ],
};

/** The odd halves and integer divisions of ShuffleNet as a tracing exporter writes them. */
const halves: Case = {
  nodes: [
    node('Conv', ['input', 'five'], 'map'),
    node('Shape', ['map'], 'extents'),
    node('Gather', ['extents', 'one'], 'channels'),
    node('Add', ['channels', 'one'], 'more'),
    node('Div', ['more', 'two'], 'half'),
    node('Slice', ['map', 'zero', 'half', 'one'], 'left'),
    node('Slice', ['map', 'half', 'channels', 'one'], 'right'),
    node('Concat', ['right', 'left'], 'swapped', { attributes: [int('axis', 1)] }),
    node('GlobalAveragePool', ['swapped'], 'logits'),
  ],
  weights: [weight('five', [5, 3, 1, 1]), whole('zero', [0]), whole('one', [1]), whole('two', [2])],
};

const cases: Readonly<Record<string, Case>> = {
  attention,
  halves,
  'windows of Swin': {
    nodes: [
      node('Transpose', ['input'], 'last', { attributes: [ints('perm', [0, 2, 3, 1])] }),
      node('Slice', ['last', 'from', 'far', 'axes'], 'rolled'),
      node('Slice', ['last', 'start', 'from', 'axes'], 'rest'),
      node('Slice', ['last', 'start', 'far', 'axes', 'steps'], 'odd'),
      node('Reshape', ['last', 'windows'], 'cut'),
      node('Transpose', ['cut'], 'turned', { attributes: [ints('perm', [0, 1, 3, 2, 4, 5])] }),
      node('Reshape', ['turned', 'tokens'], 'tokens-of-windows'),
      node('LayerNormalization', ['tokens-of-windows', 'scale'], 'logits'),
    ],
    weights: [
      weight('scale', [3]),
      whole('from', [2]),
      whole('start', [0]),
      whole('far', [1000]),
      whole('axes', [1]),
      whole('steps', [2]),
      whole('windows', [1, 3, 4, 2, 4, 3]),
      whole('tokens', [-1, 16, 3]),
    ],
  },
  'extents of all kinds': {
    nodes: [
      node('Pad', ['input', 'pads'], 'padded'),
      node('Resize', ['padded', '', 'scales'], 'larger'),
      node('AveragePool', ['larger'], 'pooled', {
        attributes: [ints('kernel_shape', [3, 2]), ints('strides', [2, 2]), int('ceil_mode', 1)],
      }),
      node('ConvTranspose', ['pooled', 'up'], 'upsampled', {
        attributes: [
          ints('strides', [2, 3]),
          ints('pads', [1, 0, 1, 0]),
          ints('output_padding', [1, 0]),
        ],
      }),
      node('Expand', ['bias', 'wide'], 'expanded'),
      node('Where', ['mask', 'upsampled', 'bias'], 'chosen'),
      node('Tile', ['chosen', 'repeats'], 'tiled'),
      node('ArgMax', ['tiled'], 'largest', { attributes: [int('axis', 1), int('keepdims', 0)] }),
      node('Unsqueeze', ['tiled', 'ends'], 'longer'),
      node('Squeeze', ['longer', 'ends'], 'shorter'),
      node('DepthToSpace', ['shorter'], 'spread', { attributes: [int('blocksize', 2)] }),
      node('Flatten', ['spread'], 'flat'),
      node('TopK', ['flat', 'few'], 'values', { otherOutputs: ['indices'] }),
      node('Gemm', ['values', 'dense'], 'logits', { attributes: [int('transB', 1)] }),
    ],
    weights: [
      whole('pads', [0, 0, 1, 0, 0, 0, 0, 2]),
      weight('scales', [4]),
      weight('up', [3, 4, 3, 3]),
      weight('bias', [4, 1, 1]),
      whole('wide', [1, 4, 2, 2]),
      whole('repeats', [1, 1, 2, 1]),
      whole('ends', [0, -1]),
      whole('few', [5]),
      weight('dense', [6, 5]),
      { name: 'mask', shape: [1], values: [1], bool: true },
    ].map((one) => (one.name === 'scales' ? { ...one, values: [1, 1, 2, 1.5] } : one)),
  },
  'recurrent and summed': {
    nodes: [
      node('ReduceMax', ['input'], 'rows', { attributes: [ints('axes', [3]), int('keepdims', 0)] }),
      node('Transpose', ['rows'], 'steps', { attributes: [ints('perm', [2, 0, 1])] }),
      node('LSTM', ['steps', 'w', 'r'], 'all', {
        otherOutputs: ['last', 'cell'],
        attributes: [int('hidden_size', 5)],
      }),
      node('Einsum', ['all', 'mix'], 'logits', {
        attributes: [{ name: 'equation', text: 'sdbh,hc->sbc' }],
      }),
    ],
    weights: [weight('w', [1, 20, 3]), weight('r', [1, 20, 5]), weight('mix', [5, 4])],
  },
  'fused by a runtime': {
    nodes: [
      node('Flatten', ['input'], 'flat', { attributes: [int('axis', 2)] }),
      node('Unsqueeze', ['flat', 'zero'], 'tokens'),
      node('MultiHeadAttention', ['tokens', 'tokens', 'tokens'], 'seen', {
        domain: 'com.microsoft',
        attributes: [int('num_heads', 4)],
      }),
      node('Attention', ['seen', 'w', 'b'], 'again', {
        domain: 'com.microsoft',
        attributes: [int('num_heads', 4)],
      }),
      node('FusedMatMul', ['again', 'dense'], 'logits', {
        domain: 'com.microsoft',
        attributes: [int('transB', 1)],
      }),
    ],
    weights: [
      whole('zero', [0]),
      weight('w', [96, 36]),
      weight('b', [36]),
      weight('dense', [7, 12]),
    ],
  },
  quantized: {
    nodes: [
      node('DynamicQuantizeLinear', ['input'], 'q', { otherOutputs: ['scale', 'zero'] }),
      node('ConvInteger', ['q', 'w', 'zero'], 'sums', { attributes: [ints('strides', [2, 2])] }),
      node('Cast', ['sums'], 'numbers', { attributes: [int('to', 1)] }),
      node('QuantizeLinear', ['numbers', 'one', 'nothing'], 'again'),
      node(
        'QLinearConv',
        ['again', 'one', 'nothing', 'v', 'one', 'nothing', 'one', 'nothing'],
        'map',
      ),
      node('Flatten', ['map'], 'flat'),
      node('MatMulInteger', ['flat', 'dense', 'nothing'], 'products'),
      node('Cast', ['products'], 'logits', { attributes: [int('to', 1)] }),
    ],
    weights: [
      bytes('w', [4, 3, 2, 2]),
      bytes('v', [2, 4, 1, 1]),
      bytes('dense', [48, 5]),
      { ...bytes('nothing', []), values: [0] },
      { ...weight('one', []), values: [1] },
    ],
  },
  'attention of ONNX': {
    nodes: [
      node('Flatten', ['input'], 'flat', { attributes: [int('axis', 2)] }),
      node('Unsqueeze', ['flat', 'zero'], 'tokens'),
      node('Attention', ['tokens', 'tokens', 'tokens'], 'logits', {
        attributes: [int('q_num_heads', 4), int('kv_num_heads', 4)],
      }),
    ],
    weights: [whole('zero', [0])],
    opset: 23,
  },
};

test.each(Object.entries(cases))(
  '%s: rules tell every shape that onnxruntime tells',
  async (name, given) => {
    const model = await read(name, given);
    const graph = graphFromOnnx(model, size);
    const tensors = graph.nodes.flatMap(({ outputs }) => outputs);
    const told = await runShapeProbe(folder, encodeProbe(model, tensors, [1, 3, 12, 8]));
    expect(told.size).toBe(tensors.length);
    expect(Object.fromEntries(graph.shapes)).toMatchObject(Object.fromEntries(told));
  },
);

test('where no rule reaches, the network is run for its shapes', async () => {
  const model = await read('nonzero', {
    nodes: [
      node('Reshape', ['input', 'flat'], 'row'),
      node('Compress', ['row', 'mask'], 'some', { attributes: [int('axis', 1)] }),
      node('MatMul', ['some', 'dense'], 'logits'),
    ],
    weights: [
      whole('flat', [1, -1]),
      { name: 'mask', shape: [3], values: [1, 0, 1], bool: true },
      weight('dense', [2, 7]),
    ],
  });
  expect(graphFromOnnx(model, size).shapes.get('logits')).toBeNull();
  const asked: string[] = [];
  const graph = await inferGraph(model, size, { layout: 'NCHW', channels: 'RGB' }, (probe) => {
    asked.push(...probe.tensors);
    return runShapeProbe(folder, probe);
  });
  expect(asked).toEqual(['some', 'logits', 'some', 'logits']);
  expect(graph.ofTwo.get('logits')).toEqual([1, 7]);
  expect(graph.shapes.get('logits')).toEqual([1, 7]);
  expect(graph.nodes.at(-1)?.macs).toBe(14);
});

describe('multiply-adds', () => {
  const countOf = async (name: string, given: Case) =>
    graphFromOnnx(await read(`count ${name}`, given), size).nodes.map(({ op, macs }) => [op, macs]);
  const counted = async (name: string, given: Case) =>
    Object.fromEntries((await countOf(name, given)).filter(([, macs]) => macs !== 0));

  test('of attention are those of its products', async () => {
    const tokens = 3 * 2;
    const found = await countOf('attention', attention);
    expect(found.filter(([, macs]) => macs !== 0)).toEqual([
      ['Conv', tokens * 8 * 3 * 16],
      ['MatMul', tokens * 8 * 24],
      ['MatMul', 2 * tokens * tokens * 4],
      ['MatMul', 2 * tokens * tokens * 4],
    ]);
  });

  test('of fused attention are the same', async () => {
    const found = await counted('fused', cases['fused by a runtime'] as Case);
    // Three tokens of 96 numbers; queries, keys and values of 12.
    expect(found).toEqual({
      MultiHeadAttention: 3 * 3 * (96 + 96),
      Attention: 3 * 96 * 36 + 3 * 3 * (12 + 12),
      FusedMatMul: 3 * 12 * 7,
    });
  });

  test('of recurrences, sums of products and transposed convolutions', async () => {
    expect(await counted('lstm', cases['recurrent and summed'] as Case)).toEqual({
      LSTM: 12 * 20 * (3 + 5),
      Einsum: 12 * 5 * 4,
    });
    const { ConvTranspose, Gemm } = await counted('up', cases['extents of all kinds'] as Case);
    expect([ConvTranspose, Gemm]).toEqual([13 * 8 * 3 * 4 * 9, 5 * 6]);
  });

  test('of quantized layers and of an attention of its own', async () => {
    expect(await counted('quantized', cases.quantized as Case)).toEqual({
      ConvInteger: 6 * 4 * 4 * 12,
      QLinearConv: 6 * 4 * 2 * 4,
      MatMulInteger: 48 * 5,
    });
    expect(await counted('own', cases['attention of ONNX'] as Case)).toEqual({
      Attention: 3 * 3 * (96 + 96),
    });
  });

  test('of an operator that is not known are not known', async () => {
    const found = await countOf('foreign', {
      nodes: [node('Relu', ['input'], 'map'), node('Fast', ['map'], 'logits', { domain: 'mine' })],
    });
    expect(found).toEqual([
      ['Relu', 0],
      ['Fast', null],
    ]);
  });

  test('of a convolution over other channels than it has weights for are not known', async () => {
    const given = {
      nodes: [node('Conv', ['input', 'w'], 'logits')],
      weights: [weight('w', [2, 4, 1, 1])],
    };
    expect(await countOf('channels', given)).toEqual([['Conv', null]]);
  });
});
