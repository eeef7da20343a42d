import { join, posix } from 'node:path';
import type { ModelBundle } from '@umbra/shared/contracts/model';
import { integrity } from '@umbra/shared/errors';
import { inlineWeight, type OnnxModel, type Weight } from '../graph/onnx-model.js';
import { keepOutput } from '../graph/onnx-parts.js';
import { externalData, isExternal, onnxType, type ValueProto } from '../graph/onnx-proto.js';
import { chooseOutput } from '../graph/scores-output.js';
import { type SkimmedModel, type SkimmedTensor, skimOnnx } from './skim-onnx.js';

/**
 * Decode an ONNX file; weights are located rather than kept, so that memory stays small.
 *
 * @param fileName The model's name in its folder, for `WeightFile.path`.
 * @throws {AppError} `integrity` if the file is not an ONNX model.
 */
export async function readOnnxModel(path: string, fileName: string): Promise<OnnxModel> {
  const { model, initializers } = await skim(path, fileName);
  const { graph, irVersion = defaultIrVersion } = model;
  const weights = new Map<string, Weight>();
  for (const tensor of initializers) {
    const weight = locate(tensor, fileName);
    weights.set(weight.name, weight);
  }
  return {
    irVersion,
    opset: model.opsetImport.map(({ domain = '', version = 1 }) => ({ domain, version })),
    inputs: graph.input
      .filter(({ name }) => !weights.has(name))
      .map((input) => ({
        name: input.name,
        shape: declaredShape(input),
        type: input.type?.tensorType?.elemType ?? onnxType.undefined,
      })),
    outputs: graph.output.map((output) => ({ name: output.name, shape: outputShape(output) })),
    nodes: graph.node,
    weights,
  };
}

/**
 * Decode the ONNX file of a bundle as far as its scores need it.
 *
 * @throws {AppError} As `readOnnxModel` and `chooseOutput`.
 */
export async function readScoresModel(folder: string, bundle: ModelBundle): Promise<OnnxModel> {
  const model = await readOnnxModel(join(folder, bundle.model), bundle.model);
  return keepOutput(model, chooseOutput(model.outputs, bundle.name, bundle.output.name));
}

/** Version of the format that a file without one is read as. */
const defaultIrVersion = 8;

/** Extents that a file declares, null for an open one; none where it declares no shape. */
const declaredShape = ({ type }: ValueProto): readonly (number | null)[] =>
  (type?.tensorType?.shape?.dim ?? []).map(({ dimValue }) => dimValue || null);

/** Extents of an output; null where the file declares no shape. */
const outputShape = (output: ValueProto): readonly (number | null)[] | null =>
  output.type?.tensorType?.shape === undefined ? null : declaredShape(output);

async function skim(path: string, fileName: string): Promise<SkimmedModel> {
  try {
    return await skimOnnx(path);
  } catch (error) {
    throw integrity(`Expected '${fileName}' to be an ONNX model: ${messageOf(error)}`, error);
  }
}

function locate({ proto, raw }: SkimmedTensor, fileName: string): Weight {
  const { name = '' } = proto;
  const weight = inlineWeight(name, proto);
  if (isExternal(proto)) {
    const { path, ...place } = externalData(proto);
    // Exporters write './weights.bin', too; a bundle lists the plain path.
    return { ...weight, file: { path: posix.normalize(path), ...place } };
  }
  return { ...weight, file: raw === null ? null : { path: fileName, ...raw } };
}

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);
