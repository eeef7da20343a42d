import { invalidInput, type ModelBundle, type Size } from '@umbra/shared';
import type { Graph, GraphNode } from '../graph/graph.js';
import { openOnnxNetwork } from './onnx-network.js';

/** A convolution's weights, read a few kernels at a time. */
export type Kernels = {
  readonly kernels: number;
  /** Channels that each kernel reads. */
  readonly depth: number;
  readonly height: number;
  readonly width: number;
  readonly groups: number;
  /** @returns float32 [end - start, depth, height, width] */
  read(start: number, end: number): Promise<Float32Array>;
};

/** A layer's output for one image. */
export type Activations = {
  /** Of `data`, a batch of one: [1, channels, height, width] for feature maps. */
  readonly shape: readonly number[];
  readonly data: Float32Array;
};

/** A model opened to be looked into: the same for every format. */
export type Network = {
  readonly graph: Graph;
  /** Extent of the input that shapes are for, px. */
  readonly size: Size;
  /** @throws {AppError} `invalid_input` if the layer is no convolution. */
  kernels(layer: GraphNode): Promise<Kernels>;
  /**
   * Open the network up to a layer. Runs in the calling thread.
   *
   * @returns What takes one image, float32 in the bundle's layout, to the layer's output.
   */
  upTo(layer: GraphNode): Promise<{
    run(image: Float32Array): Promise<Activations>;
    close(): Promise<void>;
  }>;
};

export type OpenNetwork = (folder: string, bundle: ModelBundle, size: Size) => Promise<Network>;

const formats: Partial<Record<ModelBundle['format'], OpenNetwork>> = { onnx: openOnnxNetwork };

/**
 * Open a bundle's network for one extent of its input.
 *
 * @throws {AppError} `invalid_input` if nothing here reads its format; `integrity` if its file is
 *   damaged.
 */
export async function openNetwork(
  folder: string,
  bundle: ModelBundle,
  size: Size = bundle.input,
): Promise<Network> {
  const open = formats[bundle.format];
  if (open !== undefined) return open(folder, bundle, { height: size.height, width: size.width });
  throw invalidInput(
    `Expected a model of format ${Object.keys(formats).join(' or ')}, got ${bundle.format}`,
  );
}

/** @throws {AppError} `invalid_input` */
export function notConvolution({ name, kind, op }: GraphNode): Error {
  return invalidInput(
    `Expected a convolution, whose weights can be seen; layer '${name}' is ${op} (${kind})`,
  );
}
