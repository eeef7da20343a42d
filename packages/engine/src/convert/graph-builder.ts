import { at, mustGet } from '@umbra/shared/assert';
import {
  type AttributeProto,
  attributeType,
  type NodeProto,
  onnxType,
  type TensorProto,
} from '../graph/onnx-proto.js';
import type { TfjsModel, TfjsWeight } from './model-file.js';

/** A weight in ONNX's order of axes, still in TensorFlow's files. */
export type BuilderWeight = {
  readonly name: string;
  readonly source: TfjsWeight;
} & WeightChange;

/** How a weight is rearranged on its way to ONNX. */
export type WeightChange = {
  /** The source's axis for each of the result's; the source's own order when left out. */
  readonly axes?: readonly number[];
  /** Extents to read the result as, of the same product. */
  readonly shape?: readonly number[];
};

/** Thrown where a network cannot be written as ONNX; it then runs in its own format, and whole. */
export class NotTranslated extends Error {}

/** A node to add: its output is named after it. */
export type NewNode = {
  readonly name: string;
  readonly op: string;
  readonly inputs: readonly string[];
  /** Count of the output's axes; that of the first input when left out. */
  readonly rank?: number;
};
type Attributes = Readonly<Record<string, number | readonly number[] | string>>;

/** A network on its way to ONNX. Its maps are [N, channels, height, width] there. */
export type GraphBuilder = {
  /** @returns The name of the node's output. */
  addNode(node: NewNode, attributes?: Attributes): string;
  /** Add a weight of the model's files. @throws {NotTranslated} if it is not there. */
  addWeight(name: string, change?: WeightChange): string;
  /** Add an int64 constant of one axis. @returns Its name. */
  addIntegers(name: string, values: readonly number[]): string;
  /** Add a float32 constant; of one axis when `dims` is left out. @returns Its name. */
  addFloats(name: string, values: readonly number[], dims?: readonly number[]): string;
  /** Count of a computed tensor's axes. */
  rankOf(tensor: string): number;
  /** Extents of a weight in TensorFlow's order. @throws {NotTranslated} if it is not there. */
  shapeOf(weight: string): readonly number[];
  /** Names of the model's weights. */
  readonly weightNames: ReadonlySet<string>;
  /** Numbers of a small integer weight, such as amounts of padding. @throws {NotTranslated} */
  integersOf(weight: string): readonly number[];
  /** All that was added. */
  readonly parts: {
    readonly nodes: readonly NodeProto[];
    readonly constants: readonly TensorProto[];
    readonly weights: readonly BuilderWeight[];
  };
};

/**
 * Start an ONNX graph of one input.
 *
 * @param image Name of the input, [N, channels, height, width].
 * @param integers Numbers of the model's small integer weights.
 */
export function createGraphBuilder(
  { weights: stored }: Pick<TfjsModel, 'weights'>,
  image: string,
  integers: ReadonlyMap<string, readonly number[]>,
): GraphBuilder {
  const nodes: NodeProto[] = [];
  const constants: TensorProto[] = [];
  const weights = new Map<string, BuilderWeight>();
  const ranks = new Map([[image, 4]]);
  const rankOf = (tensor: string) => mustGet(ranks, tensor);
  const find = (name: string): TfjsWeight => {
    const weight = stored.get(name);
    if (weight === undefined) throw new NotTranslated(`its weight '${name}' is not in the files`);
    return weight;
  };
  return {
    addNode({ name, op, inputs, rank }, attributes = {}) {
      const output = `${name}:out`;
      nodes.push({
        name,
        opType: op,
        input: [...inputs],
        output: [output],
        attribute: Object.entries(attributes).map(([key, value]) => encodeAttribute(key, value)),
      });
      ranks.set(output, rank ?? rankOf(at(inputs, 0)));
      return output;
    },
    addWeight(name, change = {}) {
      const source = find(name);
      const { axes, shape } = change;
      const key = `${name}${axes ? `:${axes.join('')}` : ''}${shape ? `:${shape.join('x')}` : ''}`;
      if (!weights.has(key)) weights.set(key, { name: key, source, ...change });
      return key;
    },
    addIntegers(name, values) {
      const dims = [values.length];
      constants.push({ name, dims, dataType: onnxType.int64, int64Data: [...values] });
      return name;
    },
    addFloats(name, values, dims = [values.length]) {
      constants.push({ name, dims: [...dims], dataType: onnxType.float, floatData: [...values] });
      return name;
    },
    rankOf,
    shapeOf: (name) => find(name).shape,
    weightNames: new Set(stored.keys()),
    integersOf(name) {
      const values = integers.get(name);
      if (values === undefined) throw new NotTranslated(`'${name}' holds no whole numbers`);
      return values;
    },
    get parts() {
      return { nodes, constants, weights: [...weights.values()] };
    },
  };
}

/** Attributes that hold a float; other numbers are integers. */
const floatAttributes = new Set(['alpha', 'beta', 'epsilon', 'gamma', 'bias']);

function encodeAttribute(name: string, value: number | readonly number[] | string): AttributeProto {
  if (typeof value === 'string') return { name, s: Buffer.from(value), type: attributeType.text };
  if (typeof value !== 'number') return { name, ints: [...value], type: attributeType.ints };
  if (floatAttributes.has(name)) return { name, f: value, type: attributeType.float };
  return { name, i: value, type: attributeType.int };
}
