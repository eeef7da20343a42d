import { mkdir, open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { at } from '@umbra/shared/assert';
import { channelCount, type ModelBundle } from '@umbra/shared/contracts/model';
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
import { scoresOutput } from './tfjs-outputs.js';

const modelFile = 'model.onnx';
const weightsFile = 'weights.bin';
const inputName = 'image';
const opset = 17;

/**
 * Write a TensorFlow.js model as ONNX, so that segments, layers, filters and activations read graphs of
 * one kind. Weights pass through memory one at a time.
 *
 * @param out Folder to write to; created if it does not exist.
 * @returns The ONNX model's bundle, with channels first; or the reason why there is none.
 */
export async function writeConvertedModel(
  folder: string,
  bundle: ModelBundle,
  out: string,
): Promise<{ readonly bundle: ModelBundle } | { readonly reason: string }> {
  const model = await readTfjsModel(folder, bundle.model);
  assertListed(model, bundle);
  const builder = createGraphBuilder(model, inputName, await readIntegers(folder, model));
  const chooseLayer = (outputs: readonly string[]) =>
    at(outputs, scoresOutput(model, bundle).index);
  let output: string;
  try {
    output =
      bundle.format === 'tfjs-graph'
        ? translateGraph(builder, model, {
            image: inputName,
            output: scoresOutput(model, bundle).name,
          })
        : chooseLayer(translateLayers(builder, model.topology, inputName));
  } catch (error) {
    if (error instanceof NotTranslated) return { reason: error.message };
    throw error;
  }
  await mkdir(out, { recursive: true });
  const weights = await writeWeights(folder, builder.parts.weights, join(out, weightsFile));
  const channels = channelCount(bundle.input);
  await writeFile(join(out, modelFile), encode(builder, { weights, output, channels }));
  // The files are written by this process, for itself: they need no digests.
  const files = [modelFile, weightsFile].map((path) => ({
    path,
    sha256: '0'.repeat(64),
    bytes: 1,
  }));
  const input = { ...bundle.input, layout: 'NCHW' as const };
  // The conversion has one output, whatever its name was.
  const { name: _, ...outputAlone } = bundle.output;
  return {
    bundle: { ...bundle, format: 'onnx', model: modelFile, files, input, output: outputAlone },
  };
}

/** Maximum count of a constant's numbers that configure an operation, rather than being trained. */
const maxIntegers = 64;

/** Read the small integer weights, such as shapes and amounts of padding. */
async function readIntegers(folder: string, { weights }: TfjsModel) {
  const integers = new Map<string, readonly number[]>();
  for (const [name, weight] of weights) {
    if (weight.dtype !== 'int32' || weight.bytes > maxIntegers * 4) continue;
    integers.set(name, [...(await readTfjsWeight(folder, weight))]);
  }
  return integers;
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
      const entries = {
        location: weightsFile,
        offset: String(offset),
        length: String(bytes.length),
      };
      written.push({
        name,
        dims: [...(shape ?? axes?.map((axis) => at(source.shape, axis)) ?? source.shape)],
        dataType: onnxType.float,
        dataLocation: externalLocation,
        externalData: Object.entries(entries).map(([key, value]) => ({ key, value })),
      });
      offset += bytes.length;
    }
  } finally {
    await file.close();
  }
  return written;
}

/**
 * Bring an array's axes into another order.
 *
 * @param values float32, of `shape` in C order.
 * @param axes For each axis of the result, the source's.
 */
export function permute(
  values: Float32Array,
  shape: readonly number[],
  axes: readonly number[],
): Float32Array {
  const steps = shape.map((_, axis) =>
    shape.slice(axis + 1).reduce((product, n) => product * n, 1),
  );
  const extents = axes.map((axis) => at(shape, axis));
  const strides = axes.map((axis) => at(steps, axis));
  const result = new Float32Array(values.length);
  const index = new Array<number>(axes.length).fill(0);
  let source = 0;
  // A hot loop, one pass over every weight: `as number` spares a check an element.
  for (let target = 0; target < result.length; target++) {
    result[target] = values[source] as number;
    for (let axis = axes.length - 1; axis >= 0; axis--) {
      const [extent, stride] = [extents[axis] as number, strides[axis] as number];
      const next = (index[axis] as number) + 1;
      source += stride;
      if (next < extent) {
        index[axis] = next;
        break;
      }
      source -= stride * extent;
      index[axis] = 0;
    }
  }
  return result;
}

const encode = (
  { parts: { nodes, constants } }: GraphBuilder,
  { weights, output, channels }: { weights: TensorProto[]; output: string; channels: number },
): Uint8Array =>
  encodeModel({
    irVersion: 8,
    opsetImport: [{ domain: '', version: opset }],
    graph: {
      name: 'converted',
      node: [...nodes],
      initializer: [...weights, ...constants],
      input: [{ name: inputName, type: floatType(['n', channels, 'h', 'w']) }],
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
