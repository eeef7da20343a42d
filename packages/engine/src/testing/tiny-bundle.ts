import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ModelBundle, ModelOutput, OutputKind } from '@umbra/shared/contracts/model';
import { encodeOnnx, type Network } from './tiny-onnx.js';

export type TinyOptions = {
  readonly name?: string;
  /** Side of the square input, px. */
  readonly size?: number;
  readonly classes?: number;
  readonly seed?: number;
  /** Replaces the network's bytes. */
  readonly onnx?: Buffer;
  /** Null for a bundle without a file of labels. */
  readonly labels?: readonly string[] | null;
  readonly output?: OutputKind | ModelOutput;
  /** Files beside the network. */
  readonly others?: Readonly<Record<string, Buffer>>;
  readonly input?: Partial<ModelBundle['input']>;
};

const channels = 8;

/**
 * Write a bundle with a small seeded network: two strided convolutions, global pooling, one dense layer.
 *
 * @returns The bundle's folder, `folder/<name>`.
 */
export async function writeTinyBundle(folder: string, options: TinyOptions = {}): Promise<string> {
  const { name = 'tiny', size = 32, classes = 5, seed = 1 } = options;
  const path = join(folder, name);
  await mkdir(path, { recursive: true });
  const onnx = options.onnx ?? encodeOnnx(tinyNetwork(classes, seed));
  const names = Array.from({ length: classes }, (_, index) => `kind ${index}`);
  const labels = options.labels === undefined ? names : options.labels;
  const contents = {
    'model.onnx': onnx,
    ...(labels && { 'labels.json': Buffer.from(JSON.stringify(labels)) }),
    ...options.others,
  };
  for (const [file, content] of Object.entries(contents)) {
    await writeFile(join(path, file), content);
  }
  await writeDescription(path, {
    name,
    size,
    format: 'onnx',
    model: 'model.onnx',
    layout: 'NCHW',
    contents,
    ...(labels && { labels: 'labels.json' }),
    output: options.output ?? 'logits',
    input: options.input ?? {},
  });
  return path;
}

/** Write `bundle.json` for files with these contents. */
export async function writeDescription(
  path: string,
  described: Pick<ModelBundle, 'name' | 'format' | 'model'> & {
    readonly output: OutputKind | ModelOutput;
    readonly labels?: string;
    readonly layout: ModelBundle['input']['layout'];
    /** Side of the square input, px. */
    readonly size: number;
    readonly contents: Readonly<Record<string, Buffer>>;
    readonly input: Partial<ModelBundle['input']>;
  },
): Promise<void> {
  const { name, format, model, output, labels, layout, size, contents, input } = described;
  const bundle = {
    version: 1,
    name,
    format,
    files: Object.entries(contents).map(([file, content]) => ({
      path: file,
      sha256: createHash('sha256').update(content).digest('hex'),
      bytes: content.length,
    })),
    model,
    ...(labels !== undefined && { labels }),
    input: {
      layout,
      height: size,
      width: size,
      channels: 'RGB',
      scale: 1 / 255,
      mean: [0.5, 0.5, 0.5],
      std: [0.25, 0.25, 0.25],
      resize: { rule: 'crop', shorterSide: size },
      interpolation: 'bilinear',
      ...input,
    },
    output,
    licence: 'Apache-2.0',
    source: 'seeded random weights',
  };
  await writeFile(join(path, 'bundle.json'), JSON.stringify(bundle));
}

/**
 * The network of a tiny bundle, which takes images of any extent.
 *
 * @param depth Channels of the image: 3, or 1 for grey.
 */
export function tinyNetwork(classes = 5, seed = 1, depth = 3): Network {
  const random = seededNormal(seed);
  const weight = (name: string, shape: readonly number[], scale: number) => ({
    name,
    shape,
    values: Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random() * scale),
  });
  const strided = [
    { name: 'kernel_shape', ints: [3, 3] },
    { name: 'strides', ints: [2, 2] },
    { name: 'pads', ints: [1, 1, 1, 1] },
  ];
  return {
    nodes: [
      { op: 'Conv', inputs: ['input', 'w1'], output: 'c1', attributes: strided },
      { op: 'Relu', inputs: ['c1'], output: 'r1' },
      { op: 'Conv', inputs: ['r1', 'w2'], output: 'c2', attributes: strided },
      { op: 'Relu', inputs: ['c2'], output: 'r2' },
      { op: 'GlobalAveragePool', inputs: ['r2'], output: 'pooled' },
      { op: 'Flatten', inputs: ['pooled'], output: 'flat' },
      { op: 'Gemm', inputs: ['flat', 'w3'], output: 'logits' },
    ],
    weights: [
      weight('w1', [channels, depth, 3, 3], 0.3),
      weight('w2', [channels, channels, 3, 3], 0.3),
      weight('w3', [channels, classes], 1),
    ],
    input: { name: 'input', shape: ['N', depth, 'H', 'W'] },
    output: { name: 'logits', shape: ['N', classes] },
  };
}

/** Normally distributed numbers that are the same on every machine. */
function seededNormal(seed: number): () => number {
  let state = seed;
  const uniform = () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
  return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
}
