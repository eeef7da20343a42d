import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ModelBundle, ModelOutput, OutputKind } from '@umbra/shared/contracts/model';
import { writeDescription } from './tiny-bundle.js';

/** What TensorFlow.js saves. */
export type TfjsArtifacts = {
  readonly format: 'layers-model' | 'graph-model';
  readonly topology: object;
  /** Of a graph model. */
  readonly signature?: object;
  readonly weights: readonly {
    readonly name: string;
    readonly shape: readonly number[];
    readonly values: readonly number[] | Float32Array;
    /** Type of the numbers in the file; float32 when left out. */
    readonly as?: 'int32' | 'uint8' | 'uint16' | 'float16';
  }[];
};

export type TfjsBundleOptions = {
  readonly name?: string;
  readonly size?: number;
  readonly output?: OutputKind | ModelOutput;
  /** Shards that the weights are split into. */
  readonly shards?: number;
  /** Replaces files after they are described. */
  readonly damaged?: Readonly<Record<string, Buffer | null>>;
  readonly input?: Partial<ModelBundle['input']>;
};

/** Write a bundle of a TensorFlow.js model. @returns The bundle's folder, `folder/<name>`. */
export async function writeTfjsBundle(
  folder: string,
  { format, topology, weights, signature }: TfjsArtifacts,
  options: TfjsBundleOptions = {},
): Promise<string> {
  const { name = 'tiny-tfjs', size = 32, output = 'logits', shards = 2 } = options;
  const path = join(folder, name);
  await mkdir(path, { recursive: true });
  const encoded = weights.map(encode);
  const bytes = Buffer.concat(encoded.map(({ bytes: own }) => own));
  const step = Math.ceil(bytes.length / shards);
  const paths = Array.from({ length: shards }, (_, at) => `group1-shard${at + 1}of${shards}.bin`);
  const manifest = [{ paths, weights: encoded.map(({ spec }) => spec) }];
  const model = { format, signature, modelTopology: topology, weightsManifest: manifest };
  const files: Record<string, Buffer> = { 'model.json': Buffer.from(JSON.stringify(model)) };
  for (const [at, shard] of paths.entries()) {
    files[shard] = bytes.subarray(at * step, (at + 1) * step);
  }
  for (const [file, content] of Object.entries({ ...files, ...options.damaged })) {
    if (content !== null) await writeFile(join(path, file), content);
  }
  await writeDescription(path, {
    name,
    size,
    output,
    model: 'model.json',
    layout: 'NHWC',
    contents: files,
    format: format === 'layers-model' ? 'tfjs-layers' : 'tfjs-graph',
    input: options.input ?? {},
  });
  return path;
}

/** A convolution of 4 kernels, global pooling and a softmax of 3 classes, over squares of `side` px. */
export function pooledTfjs(side: number): TfjsArtifacts {
  const layer = (className: string, config: object) => ({ class_name: className, config });
  const shape = [null, side, side, 3];
  const conv = { name: 'conv', filters: 4, kernel_size: [3, 3], activation: 'relu' };
  const weight = (name: string, ...extents: readonly number[]) => {
    const length = extents.reduce((product, extent) => product * extent, 1);
    const values = Array.from({ length }, (_, at) => Math.sin(at * 12.9898 + name.length));
    return { name, shape: extents, values };
  };
  return {
    format: 'layers-model',
    topology: layer('Sequential', {
      layers: [
        layer('Conv2D', { ...conv, batch_input_shape: shape }),
        layer('GlobalAveragePooling2D', { name: 'pool' }),
        layer('Dense', { name: 'dense', units: 3, activation: 'softmax' }),
      ],
    }),
    weights: [
      weight('conv/kernel', 3, 3, 3, 4),
      weight('conv/bias', 4),
      weight('dense/kernel', 4, 3),
      weight('dense/bias', 3),
    ],
  };
}

function encode({ name, shape, values, as }: TfjsArtifacts['weights'][number]) {
  if (as === undefined || as === 'int32') {
    const array = as === 'int32' ? Int32Array.from(values) : Float32Array.from(values);
    return { spec: { name, shape, dtype: as ?? 'float32' }, bytes: Buffer.from(array.buffer) };
  }
  const dtype = 'float32';
  if (as === 'float16') {
    const bytes = Buffer.alloc(values.length * 2);
    for (const [at, value] of [...values].entries()) bytes.writeUInt16LE(toHalf(value), at * 2);
    return { spec: { name, shape, dtype, quantization: { dtype: as } }, bytes };
  }
  const maxLevel = as === 'uint8' ? 255 : 65_535;
  const min = Math.min(...values);
  const scale = (Math.max(...values) - min) / maxLevel || 1;
  const levels = [...values].map((value) => Math.round((value - min) / scale));
  const array = as === 'uint8' ? Uint8Array.from(levels) : Uint16Array.from(levels);
  const quantization = { dtype: as, scale, min, original_dtype: dtype };
  return { spec: { name, shape, dtype, quantization }, bytes: Buffer.from(array.buffer) };
}

/** Round towards zero to 16 bits; normal numbers only. */
function toHalf(value: number): number {
  const size = Math.abs(value);
  if (size < 2 ** -14) return 0;
  const exponent = Math.floor(Math.log2(size));
  const fraction = Math.floor((size / 2 ** exponent - 1) * 1024);
  return (value < 0 ? 0x8000 : 0) | ((exponent + 15) << 10) | fraction;
}
