import { invalidInput } from '@umbra/shared/errors';
import { decodeElements, encodeElements, inputTypeOf } from '../backends/element-types.js';
import { messageOf } from '../backends/message-of.js';
import { externalFolder, sessionOptions } from '../backends/onnxruntime.js';
import { InferenceSession, Tensor } from '../backends/onnxruntime-library.js';
import { planar } from '../image/layout.js';
import type { NetworkPart, PartialNetwork } from './types.js';

/**
 * Open a part of a network in the calling thread, on the CPU.
 *
 * @throws {AppError} `invalid_input` if the runtime cannot run it.
 */
export async function openPart(part: NetworkPart, sessionThreads = 1): Promise<PartialNetwork> {
  const { model, layer, bytes, folder, input, shape, output, interleaved } = part;
  const options = sessionOptions({ provider: 'cpu', sessionThreads });
  const session = await InferenceSession.create(bytes, {
    ...options,
    extra: { session: { ...(options.extra?.session as object), ...externalFolder(folder) } },
  }).catch((error: unknown) => {
    throw invalidInput(`Model '${model}' cannot be run up to layer '${layer}'`, error);
  });
  const type = inputTypeOf(session);
  return {
    async run(image) {
      const pixels = interleaved === null ? image : planar(image, interleaved);
      const tensor = new Tensor(type, encodeElements(pixels, type), shape);
      const results = await session.run({ [input]: tensor }).catch((error: unknown) => {
        throw invalidInput(
          `Model '${model}' does not run up to layer '${layer}' on input [${shape}]: ${messageOf(error)}`,
          error,
        );
      });
      const found = results[output];
      const data = found === undefined ? null : decodeElements(found.data, found.type);
      if (found !== undefined && data !== null) return { shape: found.dims, data };
      throw invalidInput(`Expected layer '${layer}' to give numbers, got ${found?.type}`);
    },
    close: () => session.release(),
  };
}
