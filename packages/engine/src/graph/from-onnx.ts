import { at } from '@umbra/shared/assert';
import type { ModelBundle } from '@umbra/shared/contracts/model';
import { integrity } from '@umbra/shared/errors';
import type { Size } from '@umbra/shared/occlusion/grid';
import type { Graph, GraphNode, LayerKind, TensorShape } from './graph.js';
import { attributeOf, hasSubgraph, imageInput, type OnnxModel } from './onnx-model.js';
import { describeNode, type NodeFacts, type Operand } from './onnx-nodes.js';
import type { NodeProto } from './onnx-proto.js';

/** A graph, with each node's own description in the file. */
export type OnnxGraph = Graph & { readonly source: ReadonlyMap<GraphNode, NodeProto> };

/**
 * Describe an ONNX network for one extent of its input.
 *
 * Nodes that compute constants alone are left out. The shape and reach of operations that are not
 * known here are unknown; the network still runs.
 *
 * @param input Extent of the image, px.
 * @param layout Layout of the image. Networks that take channels last usually bring them to the
 *   front at once: the graph then begins after that.
 * @throws {AppError} `integrity` if the model has no input or no output.
 */
export function graphFromOnnx(
  model: OnnxModel,
  input: Size,
  layout: ModelBundle['input']['layout'] = 'NCHW',
): OnnxGraph {
  const image = imageInput(model);
  const [output] = model.outputs;
  if (output === undefined) throw integrity('Expected an ONNX model with an output, got none');
  const toPlanes = layout === 'NHWC' ? layoutTranspose(model, image) : undefined;
  const start = toPlanes?.output[0] ?? image;
  const isPlanar = layout === 'NCHW' || toPlanes !== undefined;
  const shape = isPlanar ? [1, 3, input.height, input.width] : null;
  const shapes = new Map<string, TensorShape | null>([[start, shape]]);
  const source = describeNodes(model, shapes, toPlanes);
  return { input: start, output: output.name, nodes: [...source.keys()], shapes, source };
}

/**
 * Describe every node that computes something from the image, in the file's order.
 *
 * @param shapes Shape of the image; those of all that is computed are added.
 * @param skipped A node that is no part of the graph.
 */
function describeNodes(
  model: OnnxModel,
  shapes: Map<string, TensorShape | null>,
  skipped: NodeProto | undefined,
): Map<GraphNode, NodeProto> {
  const opset = opsetOf(model);
  const constants = constantsOf(model);
  const names = new Set<string>();
  const source = new Map<GraphNode, NodeProto>();
  for (const proto of model.nodes) {
    if (proto === skipped) continue;
    // An optional input that is left out has an empty name.
    const inputs = proto.input.filter((name) => name !== '');
    const computed = inputs.filter((name) => !constants.has(name));
    if (computed.length === 0 && !hasSubgraph(proto)) {
      addConstants(constants, proto);
      continue;
    }
    const operands = inputs.map((name): Operand => {
      const shape = shapes.get(name) ?? null;
      return constants.get(name) ?? { shape, constant: false };
    });
    const facts = describeNode(proto, operands, opset);
    for (const [index, name] of proto.output.entries()) {
      shapes.set(name, index === 0 ? facts.shape : null);
    }
    const node = {
      ...graphNode(proto, facts, operands),
      name: uniqueName(proto, names),
      inputs: [...new Set(computed)],
    };
    names.add(node.name);
    source.set(node, proto);
  }
  return source;
}

/** Version of ONNX's own operator set; 1, the first, where the file names none. */
const opsetOf = ({ opset }: OnnxModel): number =>
  opset.find(({ domain }) => domain === '')?.version ?? 1;

const graphNode = (
  { opType, output }: NodeProto,
  { reach, macsPerOutput = 0, groups }: NodeFacts,
  operands: readonly Operand[],
): Omit<GraphNode, 'name' | 'inputs'> => ({
  kind: kindOf(opType),
  op: opType,
  outputs: output,
  reach,
  macsPerOutput,
  parameters: trainable.has(opType) ? countParameters(operands) : 0,
  groups: groups ?? null,
});

/** The node's name in the file, or its output's, which is always unique. */
function uniqueName({ name, output }: NodeProto, taken: ReadonlySet<string>): string {
  return name && !taken.has(name) ? name : at(output, 0);
}

/** The node that brings an image's channels to the front, if that is all that reads the image. */
function layoutTranspose({ nodes }: OnnxModel, image: string): NodeProto | undefined {
  const [first, ...others] = nodes.filter(({ input }) => input.includes(image));
  if (first?.opType !== 'Transpose' || others.length > 0) return undefined;
  return attributeOf(first, 'perm')?.ints?.join() === '0,3,1,2' ? first : undefined;
}

function constantsOf({ weights }: OnnxModel): Map<string, Operand> {
  return new Map(
    [...weights].map(([name, { shape, proto }]) => [name, { shape, constant: true, proto }]),
  );
}

/** Record a node's outputs as constants; their numbers are known where it is a `Constant`. */
function addConstants(constants: Map<string, Operand>, node: NodeProto): void {
  const proto = attributeOf(node, 'value')?.t;
  const [source] = node.input;
  const cast =
    keepsShape.has(node.opType) && source !== undefined ? constants.get(source) : undefined;
  const shape = proto?.dims ?? cast?.shape ?? null;
  for (const name of node.output) constants.set(name, { shape, constant: true, proto });
}

const kinds: Readonly<Partial<Record<LayerKind, string>>> = {
  convolution: 'Conv ConvTranspose',
  pooling: 'MaxPool AveragePool LpPool GlobalAveragePool GlobalMaxPool ReduceMean ReduceMax',
  activation:
    'Relu LeakyRelu PRelu Sigmoid Tanh Clip Elu Selu Celu HardSigmoid HardSwish Softplus Softsign ' +
    'Gelu Mish ThresholdedRelu Softmax LogSoftmax',
  normalization: 'BatchNormalization InstanceNormalization LayerNormalization LRN',
  dense: 'Gemm MatMul',
  combination: 'Add Sub Mul Div Max Min Sum Mean Concat',
  padding: 'Pad',
  reshaping: 'Flatten Reshape Squeeze Unsqueeze Transpose Identity Dropout',
};
const kindByOp = new Map(
  Object.entries(kinds).flatMap(([kind, ops]) =>
    ops.split(' ').map((op): [string, LayerKind] => [op, kind as LayerKind]),
  ),
);
const kindOf = (op: string): LayerKind => kindByOp.get(op) ?? 'other';

const keepsShape = new Set(['Cast', 'Identity']);
const trainable = new Set(['Conv', 'Gemm', 'MatMul', 'BatchNormalization', 'PRelu', 'Add', 'Mul']);

const countParameters = (operands: readonly Operand[]): number =>
  operands.filter(({ constant }) => constant).reduce((sum, { shape }) => sum + sizeOf(shape), 0);

/** Count of a tensor's numbers; a constant whose shape is not known counts as one. */
const sizeOf = (shape: TensorShape | null): number =>
  shape === null ? 1 : shape.reduce((product, extent) => product * extent, 1);
