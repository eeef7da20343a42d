import type { Size } from '@umbra/shared/occlusion/grid';
import type { Graph, GraphNode, MapAxes } from '../graph/graph.js';
import type { ImageStack } from '../occlusion/image-batch.js';

/** A convolution's weights, read a few kernels at a time. */
export type Kernels = {
  readonly kernels: number;
  /** Channels that each kernel reads. */
  readonly depth: number;
  readonly height: number;
  readonly width: number;
  /** Groups of the convolution; 1 unless it is grouped. */
  readonly groups: number;
  /** Read kernels `[start, end)`. @returns float32 [end - start, depth, height, width] */
  read(start: number, end: number): Promise<Float32Array>;
};

/** A layer's output for one image. */
export type Activations = {
  /** Extents of `data`, a batch of one: [1, channels, height, width] for feature maps. */
  readonly shape: readonly number[];
  readonly data: Float32Array;
};

/** The part of a network that computes one layer: what a thread needs to run it, as data. */
export type NetworkPart = {
  /** Names of the model and of the layer. */
  readonly model: string;
  readonly layer: string;
  /** An ONNX file; its weights are referred to where they lie in the bundle's files. */
  readonly bytes: Uint8Array;
  /** Folder of those files. */
  readonly folder: string;
  readonly input: string;
  /** Shape of the input, one image. */
  readonly shape: readonly number[];
  readonly output: string;
  /** Channels of an image that is given with channels last though the part takes planes; else null. */
  readonly interleaved: number | null;
};

/** Images of which the activations of a layer are averaged over their places. */
export type FeaturesTask = ImageStack & {
  readonly part: NetworkPart;
  /** Rows and columns of the layer's maps; null where it has none that are known. */
  readonly axes: MapAxes | null;
};

/** A network up to one of its layers. */
export type PartialNetwork = {
  /** Compute the layer's output. @param image float32, in the bundle's layout. */
  run(image: Float32Array): Promise<Activations>;
  close(): Promise<void>;
};

/** A model opened to be looked into: the same for every format. */
export type Network = {
  readonly graph: Graph;
  /** Extent of the input that shapes are for, px. */
  readonly size: Size;
  /** @throws {AppError} `invalid_input` if the layer is no convolution. */
  kernels(layer: GraphNode): Promise<Kernels>;
  part(layer: GraphNode): NetworkPart;
  /**
   * Open the network up to a layer. Runs in the calling thread.
   *
   * @throws {AppError} `invalid_input` if the runtime cannot run that part.
   */
  upTo(layer: GraphNode): Promise<PartialNetwork>;
  close(): Promise<void>;
};
