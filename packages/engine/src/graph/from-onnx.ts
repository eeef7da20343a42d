import type { ModelBundle } from '@umbra/shared/contracts/model';
import type { Size } from '@umbra/shared/occlusion/grid';
import type { Graph, GraphNode, LayerKind, Shape } from './graph.js';
import { attributeOf, type OnnxModel } from './onnx-model.js';
import { describeNode, type Operand } from './onnx-nodes.js';
import type { NodeProto, TensorProto } from './onnx-proto.js';

/** A graph, with each node's own description in the file. */
export type OnnxGraph = Graph & { readonly source: ReadonlyMap<GraphNode, NodeProto> };

/**
 * Describe an ONNX network for one extent of its input.
 *
 * Nodes that compute constants alone are left out. Of operations that are not known, shapes and
 * reach are unknown; the network still runs.
 *
 * @param input Extent of the image, px.
 * @param layout Of the image. Networks that take channels last usually bring them to the front at
 *   once: the graph then begins after that.
 */
export function graphFromOnnx(
  model: OnnxModel,
  input: Size,
  layout: ModelBundle['input']['layout'] = 'NCHW',
): OnnxGraph {
  const opset = model.opset.find(({ domain }) => domain === '')?.version ?? 1;
  const turned = layout === 'NHWC' ? turnedInput(model) : undefined;
  const inputName = turned?.output?.[0] ?? model.inputs[0]?.name ?? '';
  const shapes = new Map<string, Shape | null>([
    [
      inputName,
      layout === 'NCHW' || turned !== undefined ? [1, 3, input.height, input.width] : null,
    ],
  ]);
  const constants = constantsOf(model);
  const nodes: GraphNode[] = [];
  const named = new Set<string>();
  const source = new Map<GraphNode, NodeProto>();
  for (const proto of model.nodes) {
    if (proto === turned) continue;
    const names = (proto.input ?? []).filter((name) => name !== '');
    const computed = names.filter((name) => !constants.has(name));
    if (computed.length === 0 && !hasSubgraph(proto)) {
      addConstants(constants, proto);
      continue;
    }
    const operands = names.map((name): Operand => {
      const constant = constants.get(name);
      return constant ?? { shape: shapes.get(name) ?? null, constant: false };
    });
    const facts = describeNode(proto, operands, opset);
    for (const [index, name] of (proto.output ?? []).entries()) {
      shapes.set(name, index === 0 ? facts.shape : null);
    }
    const [output = ''] = proto.output ?? [];
    const node: GraphNode = {
      name: proto.name && !named.has(proto.name) ? proto.name : output,
      kind: kindOf(proto.opType),
      op: proto.opType,
      inputs: [...new Set(computed)],
      outputs: proto.output ?? [],
      reach: facts.reach,
      macsPerOutput: facts.macsPerOutput ?? 0,
      parameters: trains.has(proto.opType) ? countParameters(operands) : 0,
      groups: facts.groups ?? null,
    };
    named.add(node.name);
    nodes.push(node);
    source.set(node, proto);
  }
  return { input: inputName, output: model.outputs[0] ?? '', nodes, shapes, source };
}

/** The node that brings an image's channels to the front, if that is all that reads the image. */
function turnedInput({ nodes, inputs }: OnnxModel): NodeProto | undefined {
  const readers = nodes.filter(({ input }) => input?.includes(inputs[0]?.name ?? ''));
  const [first, ...others] = readers;
  const turns = first?.opType === 'Transpose' && others.length === 0;
  return turns && attributeOf(first, 'perm')?.ints?.join() === '0,3,1,2' ? first : undefined;
}

function constantsOf({ weights }: OnnxModel): Map<string, Operand> {
  return new Map(
    [...weights].map(([name, { shape, proto }]) => [name, { shape, constant: true, proto }]),
  );
}

/** A node whose inputs are constants makes constants; their numbers matter only where they are a `Constant`'s. */
function addConstants(constants: Map<string, Operand>, node: NodeProto): void {
  const value = attributeOf(node, 'value')?.t;
  const kept = sameShape.has(node.opType) ? constants.get(node.input?.[0] ?? '') : undefined;
  for (const name of node.output ?? []) {
    const proto: TensorProto | undefined = value ?? undefined;
    const shape = proto === undefined ? (kept?.shape ?? null) : (proto.dims ?? []);
    constants.set(name, { shape, constant: true, proto });
  }
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

const sameShape = new Set(['Cast', 'Identity']);
const trains = new Set(['Conv', 'Gemm', 'MatMul', 'BatchNormalization', 'PRelu', 'Add', 'Mul']);

const countParameters = (operands: readonly Operand[]): number =>
  operands
    .filter(({ constant }) => constant)
    .reduce((sum, { shape }) => sum + (shape ?? []).reduce((product, n) => product * n, 1), 0);

/** A branch or loop may read tensors that it does not list. */
const hasSubgraph = (node: NodeProto): boolean =>
  node.attribute?.some(({ g }) => g !== undefined) ?? false;
