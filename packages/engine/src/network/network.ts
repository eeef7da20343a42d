import type { ModelBundle } from '@umbra/shared/contracts/model';
import { invalidInput } from '@umbra/shared/errors';
import type { Size } from '@umbra/shared/occlusion/grid';
import { openConvertedModel } from '../convert/open-converted.js';
import type { Graph, GraphNode } from '../graph/graph.js';
import { planar } from '../image/layout.js';
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
  close(): Promise<void>;
};

/**
 * Open a bundle's network for one extent of its input.
 *
 * @throws {AppError} `invalid_input` if it has parts that are not known here; `integrity` if its files
 *   are damaged.
 */
export async function openNetwork(
  folder: string,
  bundle: ModelBundle,
  { height, width }: Size = bundle.input,
): Promise<Network> {
  const form = await openConvertedModel(folder, bundle);
  if ('reason' in form) {
    throw invalidInput(`The layers of model '${bundle.name}' cannot be seen: ${form.reason}`);
  }
  const { close } = form;
  try {
    const network = await openOnnxNetwork(form.folder, form.bundle, { height, width });
    if (form.bundle.input.layout === bundle.input.layout) return { ...network, close };
    const upTo: Network['upTo'] = async (layer) => {
      const opened = await network.upTo(layer);
      return { ...opened, run: (image) => opened.run(planar(image)) };
    };
    return { ...network, upTo, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Open a network for as long as it is used. @throws {AppError} As `openNetwork`, and as `use` does. */
export async function useNetwork<T>(
  folder: string,
  bundle: ModelBundle,
  size: Size | undefined,
  use: (network: Network) => Promise<T>,
): Promise<T> {
  const network = await openNetwork(folder, bundle, size);
  try {
    return await use(network);
  } finally {
    await network.close();
  }
}
