import { integrity } from '@umbra/shared/errors';
import { inlineWeight, type OnnxModel, type Weight } from '../graph/onnx-model.js';
import { externalData, isExternal, type ValueProto } from '../graph/onnx-proto.js';
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
      .map((input) => ({ name: input.name, shape: declaredShape(input) })),
    outputs: graph.output.map(({ name }) => name),
    nodes: graph.node,
    weights,
  };
}

/** Version of the format that a file without one is read as. */
const defaultIrVersion = 8;

/** Extents that a file declares, null for an open one; none where it declares no shape. */
const declaredShape = ({ type }: ValueProto): readonly (number | null)[] =>
  (type?.tensorType?.shape?.dim ?? []).map(({ dimValue }) => dimValue || null);

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
  if (isExternal(proto)) return { ...weight, file: externalData(proto) };
  return { ...weight, file: raw === null ? null : { path: fileName, ...raw } };
}

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);
