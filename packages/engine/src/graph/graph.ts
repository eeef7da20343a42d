import type { Layer } from '@umbra/shared/contracts/layer';
import type { AxisWindow } from './window.js';

/** Extents of a tensor for a batch of one; images are [1, channels, height, width]. */
export type Shape = readonly number[];

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

/** What a layer does, in one word for every format. */
export type LayerKind = Layer['kind'];

export type GraphNode = {
  /** Unlike any other node's. */
  readonly name: string;
  readonly kind: LayerKind;
  /** ONNX's word for the operation, such as `Conv`. */
  readonly op: string;
  /** Computed tensors that the node reads; its constants are not listed. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly reach: Reach;
  /** Multiply-adds for each element of the first output. */
  readonly macsPerOutput: number;
  /** Numbers that training set: weights and biases. */
  readonly parameters: number;
  /** Convolutions only. */
  readonly groups: number | null;
};

/** A network as data, for one extent of its input: nodes in an order in which they can run. */
export type Graph = {
  readonly input: string;
  readonly output: string;
  readonly nodes: readonly GraphNode[];
  /** Of every computed tensor; null where it could not be worked out. */
  readonly shapes: ReadonlyMap<string, Shape | null>;
};

/** Whether a tensor is a feature map, [1, channels, height, width]. */
export const isMap = (shape: Shape | null | undefined): shape is Shape => shape?.length === 4;

/** Positions of each tensor's readers in `nodes`; the network's output has one at the end. */
export type Readers = ReadonlyMap<string, readonly number[]>;

export function readersOf({ nodes, output }: Graph): Readers {
  const readers = new Map<string, number[]>();
  for (const [index, node] of nodes.entries()) {
    for (const name of node.inputs) readers.set(name, [...(readers.get(name) ?? []), index]);
  }
  readers.set(output, [...(readers.get(output) ?? []), nodes.length]);
  return readers;
}
