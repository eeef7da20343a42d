import { mkdir, open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ModelBundle } from '@umbra/shared/contracts/model';
import { encodeFloats } from '../encoding/npy.js';
import { encodeModel, externalLocation, onnxType, type TensorProto } from '../graph/onnx-proto.js';
import {
  type BuilderWeight,
  createGraphBuilder,
  type GraphBuilder,
  NotTranslated,
} from './graph-builder.js';
import { translateGraph } from './graph-to-onnx.js';
import { translateLayers } from './layers-to-onnx.js';
import { assertListed, readTfjsModel, readTfjsWeight, type TfjsModel } from './model-file.js';

const modelFile = 'model.onnx';
const weightsFile = 'weights.bin';
const inputName = 'image';
const opset = 17;

/**
 * Write a TensorFlow.js model as ONNX, so that all that reads graphs reads one kind: segments, layers,
 * filters, activations. Weights pass through memory one at a time.
 *
 * @param out A folder to write to; made if it is not there.
 * @returns The ONNX model's bundle, with channels first; or why there is none.
 */
export async function writeConvertedModel(
  folder: string,
  bundle: ModelBundle,
  out: string,
): Promise<{ readonly bundle: ModelBundle } | { readonly reason: string }> {
  const model = await readTfjsModel(folder, bundle.model);
  assertListed(model, bundle);
  const builder = createGraphBuilder(model, await readWholes(folder, model));
  builder.ranks.set(inputName, 4);
  let output: string;
  try {
    const translate = bundle.format === 'tfjs-graph' ? translateGraph : translateLayers;
    output = translate(builder, inputName);
  } catch (error) {
    if (error instanceof NotTranslated) return { reason: error.message };
    throw error;
  }
  await mkdir(out, { recursive: true });
  const weights = await writeWeights(folder, builder.weights, join(out, weightsFile));
  await writeFile(join(out, modelFile), encode(builder, weights, output));
  // Its files are written here and now: they need no digests.
  const files = [modelFile, weightsFile].map((path) => ({
    path,
    sha256: '0'.repeat(64),
    bytes: 1,
  }));
  const input = { ...bundle.input, layout: 'NCHW' as const };
  return { bundle: { ...bundle, format: 'onnx', model: modelFile, files, input } };
}

/** Most numbers of a constant that says what an operation does, rather than being trained. */
const smallConstant = 64;

async function readWholes(folder: string, { weights }: TfjsModel) {
  const wholes = new Map<string, readonly number[]>();
  for (const [name, weight] of weights) {
    if (weight.dtype !== 'int32' || weight.bytes > smallConstant * 4) continue;
    wholes.set(name, [...(await readTfjsWeight(folder, weight))]);
  }
  return wholes;
}

async function writeWeights(
  folder: string,
  weights: readonly BuilderWeight[],
  path: string,
): Promise<TensorProto[]> {
  const written: TensorProto[] = [];
  const file = await open(path, 'w');
  let offset = 0;
  try {
    for (const { name, source, axes, shape } of weights) {
      const values = await readTfjsWeight(folder, source);
      const bytes = encodeFloats(axes ? permute(values, source.shape, axes) : values);
      await file.write(bytes, 0, bytes.length, offset);
      const place = { location: weightsFile, offset: String(offset), length: String(bytes.length) };
      written.push({
        name,
        dims: [...(shape ?? axes?.map((axis) => source.shape[axis] ?? 0) ?? source.shape)],
        dataType: onnxType.float,
        dataLocation: externalLocation,
        externalData: Object.entries(place).map(([key, value]) => ({ key, value })),
      });
      offset += bytes.length;
    }
  } finally {
    await file.close();
  }
  return written;
}

/** Bring an array's axes into another order. @param axes For each axis of the result, the source's. */
export function permute(
  values: Float32Array,
  shape: readonly number[],
  axes: readonly number[],
): Float32Array {
  const steps = shape.map((_, axis) =>
    shape.slice(axis + 1).reduce((product, n) => product * n, 1),
  );
  const extents = axes.map((axis) => shape[axis] ?? 1);
  const strides = axes.map((axis) => steps[axis] ?? 1);
  const result = new Float32Array(values.length);
  const at = new Array<number>(axes.length).fill(0);
  let source = 0;
  for (let index = 0; index < result.length; index++) {
    result[index] = values[source] ?? 0;
    for (let axis = axes.length - 1; axis >= 0; axis--) {
      const [extent, stride] = [extents[axis] ?? 1, strides[axis] ?? 1];
      at[axis] = (at[axis] ?? 0) + 1;
      source += stride;
      if ((at[axis] ?? 0) < extent) break;
      source -= stride * extent;
      at[axis] = 0;
    }
  }
  return result;
}

const encode = (
  { nodes, constants }: GraphBuilder,
  weights: TensorProto[],
  output: string,
): Uint8Array =>
  encodeModel({
    irVersion: 8,
    opsetImport: [{ domain: '', version: opset }],
    graph: {
      name: 'twin',
      node: nodes,
      initializer: [...weights, ...constants],
      input: [{ name: inputName, type: floatType(['n', 3, 'h', 'w']) }],
      output: [{ name: output, type: { tensorType: { elemType: onnxType.float } } }],
    },
  });

const floatType = (shape: readonly (number | string)[]) => ({
  tensorType: {
    elemType: onnxType.float,
    shape: {
      dim: shape.map((extent) =>
        typeof extent === 'number' ? { dimValue: extent } : { dimParam: extent },
      ),
    },
  },
});
