import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { ModelBundle } from '@umbra/shared/contracts/model';
import { invalidInput } from '@umbra/shared/errors';
import { isRow } from '../graph/scores-output.js';
import { tensorShape } from '../image/pixel-format.js';
import type { Backend, BackendOptions } from './backend.js';
import { decodeElements, encodeElements } from './element-types.js';
import { deviceOf, missingProvider } from './execution-provider.js';
import { messageOf } from './message-of.js';
import { readSignature, type Signature } from './onnx-signature.js';
import { InferenceSession, Tensor } from './onnxruntime-library.js';
import { runInBatches } from './run-in-batches.js';

const { version } = createRequire(import.meta.url)('onnxruntime-node/package.json') as {
  version: string;
};

/**
 * Load an ONNX model into one session.
 *
 * @throws {AppError} `integrity` if the file is not a model that onnxruntime can load;
 *   `invalid_input` unless it has one image input and, at each run, gives a row of scores an image;
 *   `unavailable` if the execution provider cannot be had on this machine.
 */
export async function loadOnnxruntime(
  folder: string,
  bundle: ModelBundle,
  options: BackendOptions,
): Promise<Backend> {
  const session = await createSession(folder, bundle, options);
  const { input, inputType, output, batch: fixed } = await signatureOf(session, bundle);
  const runAll = async (images: Float32Array, count: number, height: number, width: number) => {
    const shape = tensorShape(bundle.input, count, { height, width });
    const results = await session
      .run({ [input]: new Tensor(inputType, encodeElements(images, inputType), shape) }, [output])
      .catch((error: unknown) => {
        throw invalidInput(
          `Model '${bundle.name}' does not run on input [${shape}]: ${messageOf(error)}`,
          error,
        );
      });
    return scoresOf(results[output], count, bundle.name);
  };
  return {
    name: 'onnxruntime',
    version,
    device: deviceOf(options.provider),
    run: (images, count, height, width) =>
      fixed === null
        ? runAll(images, count, height, width)
        : runInBatches(images, count, {
            size: fixed,
            run: (batch) => runAll(batch, fixed, height, width),
          }),
    close: () => session.release(),
  };
}

async function signatureOf(session: InferenceSession, bundle: ModelBundle): Promise<Signature> {
  try {
    return readSignature(session, bundle);
  } catch (error) {
    await session.release();
    throw error;
  }
}

/** Options of every session. One thread a session and several sessions gain more than one session of several threads. */
export const sessionOptions = ({
  provider,
  sessionThreads,
}: BackendOptions): InferenceSession.SessionOptions => ({
  executionProviders: [provider],
  intraOpNumThreads: sessionThreads,
  interOpNumThreads: 1,
  executionMode: 'sequential',
  graphOptimizationLevel: 'all',
  // What fails is thrown, with its message.
  logSeverityLevel: 4,
  // Threads that wait by spinning would take the cores of other threads.
  extra: { session: { intra_op: { allow_spinning: '0' } } },
});

async function createSession(
  folder: string,
  bundle: ModelBundle,
  options: BackendOptions,
): Promise<InferenceSession> {
  const path = join(folder, bundle.model);
  try {
    return await InferenceSession.create(path, sessionOptions(options));
  } catch (error) {
    if (options.provider !== 'cpu' && (await loadsOnCpu(path, options))) {
      throw missingProvider(options.provider, error);
    }
    // Reading the file takes a parser that no other task of a thread needs.
    const { diagnoseOnnx } = await import('./onnx-diagnosis.js');
    throw await diagnoseOnnx(folder, bundle, `onnxruntime ${version}`, error);
  }
}

/** The session option by which onnxruntime finds the weights that `referTo` refers to. */
export const externalFolder = (folder: string) => ({
  model_external_initializers_file_folder_path: folder,
});

/** Whether the model loads without the provider, which is then at fault. */
async function loadsOnCpu(path: string, options: BackendOptions): Promise<boolean> {
  try {
    const session = await InferenceSession.create(
      path,
      sessionOptions({ ...options, provider: 'cpu' }),
    );
    await session.release();
    return true;
  } catch {
    return false;
  }
}

/** Check an output and take its scores. @throws {AppError} `invalid_input` */
function scoresOf(tensor: Tensor | undefined, count: number, name: string): Float32Array {
  const dims = tensor === undefined ? [] : tensor.dims;
  const [images, ...extents] = dims;
  const classes = extents.reduce((product, extent) => product * extent, 1);
  const scores = tensor === undefined ? null : decodeElements(tensor.data, tensor.type);
  if (
    scores === null ||
    images !== count ||
    classes === 0 ||
    scores.length !== count * classes ||
    !isRow(dims)
  ) {
    throw invalidInput(
      `Expected model '${name}' to give a row of scores for each of ${count} images, [${count}, classes], got ${tensor?.type} [${dims.join(', ')}]`,
    );
  }
  return scores;
}
