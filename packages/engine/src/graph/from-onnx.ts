import { at, mustGet } from '@umbra/shared/assert';
import { channelCount } from '@umbra/shared/contracts/model';
import { integrity } from '@umbra/shared/errors';
import type { Size } from '@umbra/shared/occlusion/grid';
import type { PixelFormat } from '../image/pixel-format.js';
import { countMacs } from './count-macs.js';
import type { Graph, GraphNode, TensorShape } from './graph.js';
import { constantOf, knownValues, rangeLength } from './known-values.js';
import { countParameters, kindOf } from './layer-kinds.js';
import {
  attributeOf,
  hasSubgraph,
  imageInput,
  integerAttribute,
  type OnnxModel,
} from './onnx-model.js';
import { type NodeProto, onnxType } from './onnx-proto.js';
import { constantOperand, type Operand, type Operands } from './operand.js';
import { reachOf } from './reach-rules.js';
import { inferShapes } from './shape-rules.js';

/** A graph, with each node's own description in the file. */
export type OnnxGraph = Graph & {
  readonly source: ReadonlyMap<GraphNode, NodeProto>;
  /** Small numbers that the file computes from extents; they are constants for one extent. */
  readonly folded: ReadonlyMap<string, FoldedConstant>;
  /** Shapes of computed tensors for two images; null where the file may hold for one image alone. */
  readonly ofTwo: ReadonlyMap<string, TensorShape | null>;
  /** Outputs of each `Reshape` whose target is for one image, though it could be for more. */
  readonly opened: ReadonlySet<string>;
};

/** Numbers that follow from the extents of one image. */
export type FoldedConstant = {
  readonly shape: TensorShape;
  readonly values: readonly number[];
  /** ONNX's number for the element type. */
  readonly type: number;
  /** What each further image of a batch adds to the values; null where that is not known. */
  readonly perImage: readonly number[] | null;
};

type FoldedValues = Omit<FoldedConstant, 'perImage'>;

/** Layout and channels of the image, and what is known of the network. */
export type OnnxGraphOptions = Partial<PixelFormat> & {
  /** Shapes that running the network told, by tensor; others follow from rules. */
  readonly known?: ReadonlyMap<string, TensorShape>;
  /** The same for two images. */
  readonly knownOfTwo?: ReadonlyMap<string, TensorShape>;
};

/**
 * Describe an ONNX network for one extent of its input.
 *
 * Nodes that compute constants alone, or numbers of extents alone, are left out. The shape and reach
 * of operations that are not known here are unknown; the network still runs.
 *
 * Networks that take channels last usually bring them to the front at once: the graph then begins
 * after that.
 *
 * @param input Extent of the image, px.
 * @throws {AppError} `integrity` if the model has no input or no output.
 */
export function graphFromOnnx(
  model: OnnxModel,
  input: Size,
  {
    layout = 'NCHW',
    channels = 'RGB',
    known = new Map(),
    knownOfTwo = new Map(),
  }: OnnxGraphOptions = {},
): OnnxGraph {
  const image = imageInput(model);
  const [output] = model.outputs;
  if (output === undefined) throw integrity('Expected an ONNX model with an output, got none');
  const toPlanes = layout === 'NHWC' ? layoutTranspose(model, image) : undefined;
  const start = toPlanes?.output[0] ?? image;
  const { height, width } = input;
  const depth = channelCount({ channels });
  const isPlanar = layout === 'NCHW' || toPlanes !== undefined;
  const walkAll = (batch: number, hints: WalkHints) => {
    const shape = isPlanar ? [batch, depth, height, width] : [batch, height, width, depth];
    const axes = isPlanar ? { y: 2, x: 3 } : { y: 1, x: 2 };
    const walk = createWalk(model, new Map([[start, { ...unknownOperand, shape, axes }]]), hints);
    for (const node of model.nodes) if (node !== toPlanes) walk.describe(node);
    return { ...walk, shapes: walk.shapes() };
  };
  const one = walkAll(1, { known });
  const two = walkAll(2, { known: knownOfTwo, single: one.shapes });
  const varying = [...one.folded].filter(
    ([name, { values }]) => two.folded.get(name)?.values.length !== values.length,
  );
  const kept = new Set(varying.map(([name]) => name));
  const { source, folded, shapes, axes } = kept.size === 0 ? one : walkAll(1, { known, kept });
  return {
    input: start,
    output: output.name,
    nodes: [...source.keys()],
    source,
    shapes,
    axes: axes(),
    folded: compareFolded(folded, two.folded),
    ofTwo: two.shapes,
    opened: two.opened,
  };
}

/** Find what follows from the number of images, by what one and two images give. */
const compareFolded = (
  one: ReadonlyMap<string, FoldedValues>,
  two: ReadonlyMap<string, FoldedValues>,
): ReadonlyMap<string, FoldedConstant> =>
  new Map(
    [...one].map(([name, constant]) => {
      const more = two.get(name)?.values;
      const isAlike = more?.length === constant.values.length;
      const perImage = isAlike
        ? constant.values.map((value, index) => at(more, index) - value)
        : null;
      return [name, { ...constant, perImage }];
    }),
  );

/** What is known of a network beside its file. */
type WalkHints = {
  readonly known?: ReadonlyMap<string, TensorShape>;
  /** Shapes for one image, where there are two. */
  readonly single?: ReadonlyMap<string, TensorShape | null>;
  /** Numbers of extents that stay nodes, since there are more of them in a larger batch. */
  readonly kept?: ReadonlySet<string>;
};

/** Describes nodes in the file's order. @param operands Every tensor that is known so far. */
function createWalk(
  model: OnnxModel,
  operands: Map<string, Operand>,
  { known = new Map(), single, kept }: WalkHints,
) {
  const opset = opsetOf(model);
  const names = new Set<string>();
  const source = new Map<GraphNode, NodeProto>();
  const computed = new Set(operands.keys());
  const folded = new Map<string, FoldedValues>();
  const opened = new Set<string>();
  for (const [name, { shape, proto }] of model.weights) {
    operands.set(name, constantOperand(shape, proto));
  }
  // A branch or loop may read tensors that it does not list.
  const isConstant = (node: NodeProto): boolean =>
    !hasSubgraph(node) && !node.input.some((name) => computed.has(name) || folded.has(name));

  const describe = (proto: NodeProto): void => {
    // An optional input that is left out has an empty name.
    const read = proto.input.map((name) =>
      name === '' ? undefined : (operands.get(name) ?? unknownOperand),
    );
    const constant = proto.opType === 'Constant' ? constantOf(proto) : null;
    const [name = ''] = proto.output;
    if (constant !== null) {
      operands.set(name, constant);
      return;
    }
    const doubled = single && openReshape(proto, read, single);
    const inferred = shapesOf(proto, read, opset, known);
    const shapes = inferred[0] == null && doubled ? [doubled] : inferred;
    if (shapes !== inferred) opened.add(name);
    const [shape = null] = shapes;
    const { values, type } = knownValues(proto, read, shape);
    const isTrained = isConstant(proto);
    if (isTrained || (values !== null && !kept?.has(name))) {
      for (const [index, output] of proto.output.entries()) {
        const first = { values: index === 0 ? values : null, type };
        operands.set(output, {
          ...unknownOperand,
          ...first,
          shape: shapes[index] ?? null,
          constant: true,
        });
      }
      if (!isTrained && values !== null && shape !== null)
        folded.set(name, { shape, values, type });
      return;
    }
    const { reach, axes } = reachOf({
      node: proto,
      operands: read,
      output: shape,
      opset,
    });
    for (const [index, output] of proto.output.entries()) {
      computed.add(output);
      const extents = shapes[index] ?? null;
      const first = index === 0 ? { values, type } : {};
      operands.set(output, { ...unknownOperand, ...first, shape: extents, axes: extents && axes });
    }
    const node: GraphNode = {
      name: uniqueName(proto, names),
      kind: kindOf(proto.opType),
      op: proto.opType,
      inputs: [...new Set(proto.input.filter((name) => computed.has(name)))],
      outputs: proto.output,
      reach,
      macs: countMacs(proto, read, shape),
      parameters: countParameters(proto.opType, read),
      groups: proto.opType === 'Conv' ? integerAttribute(proto, 'group', 1) : null,
      filters: proto.opType === 'Conv' && read[1]?.constant ? read[1].shape : null,
    };
    names.add(node.name);
    source.set(node, proto);
  };
  const shapes = () =>
    new Map(
      [...computed, ...folded.keys()].map((name) => [name, mustGet(operands, name).shape] as const),
    );
  const axes = () =>
    new Map(
      [...computed].flatMap((name) => {
        const { axes: found } = mustGet(operands, name);
        return found === null ? [] : [[name, found] as const];
      }),
    );
  return { source, folded, opened, describe, shapes, axes };
}

/**
 * The shape for two images of a `Reshape` whose target the file wrote for one.
 *
 * @param single Shapes for one image.
 * @returns null where the images are not in a row in what it reads.
 */
function openReshape(
  { opType, input, output }: NodeProto,
  [read]: Operands,
  single: ReadonlyMap<string, TensorShape | null>,
): TensorShape | null {
  const before = single.get(input[0] ?? '');
  const after = single.get(output[0] ?? '');
  if (opType !== 'Reshape' || !before?.length || !after?.length) return null;
  const double = (shape: TensorShape) => shape.with(0, 2 * at(shape, 0));
  return read?.shape?.join() === double(before).join() ? double(after) : null;
}

const unknownOperand: Operand = {
  shape: null,
  constant: false,
  values: null,
  type: onnxType.undefined,
  axes: null,
};

/** Shapes of a node's outputs: by rules, or as running the network told. */
function shapesOf(
  node: NodeProto,
  operands: Operands,
  opset: number,
  known: ReadonlyMap<string, TensorShape>,
): readonly (TensorShape | null)[] {
  const length = rangeLength(node, operands);
  if (length !== null) return [[length]];
  return inferShapes(node, operands, opset).map(
    (shape, index) => known.get(at(node.output, index)) ?? shape,
  );
}

/** Version of ONNX's own operator set; 1, the first, where the file names none. */
const opsetOf = ({ opset }: OnnxModel): number =>
  opset.find(({ domain }) => domain === '')?.version ?? 1;

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
