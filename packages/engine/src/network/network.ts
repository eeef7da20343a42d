import { channelCount, type ModelBundle } from '@umbra/shared/contracts/model';
import { invalidInput } from '@umbra/shared/errors';
import type { Size } from '@umbra/shared/occlusion/grid';
import { openConvertedModel } from '../convert/open-converted.js';
import type { SegmentRunner } from '../incremental/types.js';
import { openOnnxNetwork } from './onnx-network.js';
import type { Network } from './types.js';

/**
 * Open a bundle's network for one extent of its input.
 *
 * @param runProbe Runs the network for its shapes; in the calling thread if left out.
 * @throws {AppError} `invalid_input` if it has parts that are not known here; `integrity` if its files
 *   are damaged.
 */
export async function openNetwork(
  folder: string,
  bundle: ModelBundle,
  { height, width }: Size = bundle.input,
  runProbe: SegmentRunner['runShapeProbe'] = runProbeHere,
): Promise<Network> {
  const converted = await openConvertedModel(folder, bundle);
  if ('reason' in converted) {
    throw invalidInput(`The layers of model '${bundle.name}' cannot be seen: ${converted.reason}`);
  }
  const { close } = converted;
  try {
    const network = await openOnnxNetwork(converted, { height, width }, (probe) =>
      runProbe({ probe, folder: converted.folder }),
    );
    const turns = converted.bundle.input.layout !== bundle.input.layout;
    const interleaved = turns ? channelCount(bundle.input) : null;
    const part: Network['part'] = (layer) => ({ ...network.part(layer), interleaved });
    const upTo: Network['upTo'] = async (layer) => {
      const { openPart } = await import('./run-part.js');
      return openPart(part(layer));
    };
    return { ...network, part, upTo, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The runtime is loaded where it is asked for alone: no other task loads it into the main thread. */
const runProbeHere: SegmentRunner['runShapeProbe'] = async ({ folder, probe }) => {
  const { runShapeProbe } = await import('./run-shape-probe.js');
  return runShapeProbe(folder, probe);
};

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
