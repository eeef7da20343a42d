import { channelCount, type ModelBundle } from '@umbra/shared/contracts/model';
import { invalidInput } from '@umbra/shared/errors';
import type { Size } from '@umbra/shared/occlusion/grid';
import { openConvertedModel } from '../convert/open-converted.js';
import { planar } from '../image/layout.js';
import type { Network } from './types.js';

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
  const converted = await openConvertedModel(folder, bundle);
  if ('reason' in converted) {
    throw invalidInput(`The layers of model '${bundle.name}' cannot be seen: ${converted.reason}`);
  }
  const { close } = converted;
  try {
    // The runtime, which no other task loads into the main thread.
    const { openOnnxNetwork } = await import('./onnx-network.js');
    const network = await openOnnxNetwork(converted.folder, converted.bundle, { height, width });
    if (converted.bundle.input.layout === bundle.input.layout) return { ...network, close };
    const upTo: Network['upTo'] = async (layer) => {
      const opened = await network.upTo(layer);
      return { ...opened, run: (image) => opened.run(planar(image, channelCount(bundle.input))) };
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
