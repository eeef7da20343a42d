import type { Layer } from '@umbra/shared/contracts/layer';
import type { AxisWindow } from './window.js';

/** Extents of a tensor for a batch of one; images are [1, channels, height, width]. */
export type TensorShape = readonly number[];
/** Axes of a tensor that are the rows and columns of a map; the first is of images, others of channels. */
export type MapAxes = { readonly y: number; readonly x: number };
/** Extents of a feature map. */
export type MapShape = readonly [batch: number, channels: number, height: number, width: number];

/**
 * How a node's output depends on its inputs in space.
 *
 * `window`: each output reads a window of the map. `pointwise`: each output reads its own place.
 * `global`: every output may read everything. `unknown`: nothing is known of the node.
 */
export type Reach =
  | {
      readonly kind: 'window';
      readonly y: AxisWindow;
      readonly x: AxisWindow;
      /** What the padding holds; null where no single number does as well as the padding itself. */
      readonly padValue: number | null;
    }
  | { readonly kind: 'pointwise' }
  | { readonly kind: 'global' }
  | { readonly kind: 'unknown' };

/** Category of a layer, the same for every format. */
export type LayerKind = Layer['kind'];

export type GraphNode = {
  /** Unique in the graph. */
  readonly name: string;
  readonly kind: LayerKind;
  /** ONNX's word for the operation, such as `Conv`. */
  readonly op: string;
  /** Computed tensors that the node reads; its constants are not listed. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly reach: Reach;
  /** Multiply-adds for one image; null where they are not known. */
  readonly macs: number | null;
  /** Count of trained numbers: weights and biases. */
  readonly parameters: number;
  /** Groups of a convolution; null for other operations. */
  readonly groups: number | null;
  /** Extents of a convolution's own weights, [kernels, depth, height, width]; null where it has none. */
  readonly filters: TensorShape | null;
};

/** A network as data, for one extent of its input: nodes in an order in which they can run. */
export type Graph = {
  readonly input: string;
  readonly output: string;
  readonly nodes: readonly GraphNode[];
  /** Shape of every computed tensor; null where it could not be inferred. */
  readonly shapes: ReadonlyMap<string, TensorShape | null>;
  /** Rows and columns of every tensor that is known to be a map, with channels on any axes. */
  readonly axes: ReadonlyMap<string, MapAxes>;
};

/** Whether a tensor is a feature map, [1, channels, height, width]. */
export const isMap = (shape: TensorShape | null | undefined): shape is MapShape =>
  shape?.length === 4;

/** Indices in `nodes` of each tensor's readers; the network's output has one past the last node. */
export type Readers = ReadonlyMap<string, readonly number[]>;

/**
 * List the readers of each tensor.
 *
 * @param isPassing Nodes whose readers count as readers of what they read.
 */
export function readersOf(
  { nodes, output }: Graph,
  isPassing: (node: GraphNode) => boolean = () => false,
): Readers {
  const readers = new Map<string, number[]>();
  const addReader = (tensor: string, index: number) => {
    const indices = readers.get(tensor);
    if (indices === undefined) readers.set(tensor, [index]);
    else indices.push(index);
  };
  addReader(output, nodes.length);
  for (const [index, node] of [...nodes.entries()].reverse()) {
    const passed = node.outputs.flatMap((name) => readers.get(name) ?? []);
    const indices = isPassing(node) ? passed : [index];
    for (const name of node.inputs) for (const one of indices) addReader(name, one);
  }
  return readers;
}
