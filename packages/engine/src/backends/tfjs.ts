import type { GraphModel } from '@tensorflow/tfjs-converter';
import type { io, Tensor } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { channelCount, type ModelBundle } from '@umbra/shared/contracts/model';
import type { TfjsChoice } from '@umbra/shared/contracts/provider';
import { type AppError, invalidInput } from '@umbra/shared/errors';
import { assertListed, readShards, readTfjsModel } from '../convert/model-file.js';
import { type ScoresOutput, scoresOutput } from '../convert/tfjs-outputs.js';
import { isRow } from '../graph/scores-output.js';
import { tensorShape } from '../image/pixel-format.js';
import type { Backend } from './backend.js';
import { openTfjs, type Tfjs } from './tfjs-runtime.js';

type TfjsNetwork = LayersModel | GraphModel;

/**
 * Load a TensorFlow.js model into the best TensorFlow.js of this machine.
 *
 * @throws {AppError} `integrity` if its files are damaged; `invalid_input` unless it takes one image
 *   with channels last and gives a row of scores an image, all by known operations; `unavailable` if
 *   no backend of TensorFlow.js starts.
 */
export async function loadTfjs(
  folder: string,
  bundle: ModelBundle,
  choice?: TfjsChoice,
): Promise<Backend> {
  const file = await readTfjsModel(folder, bundle.model);
  assertListed(file, bundle);
  if (bundle.input.layout !== 'NHWC') {
    throw bad(bundle, 'of TensorFlow.js to take channels last: its layout is NHWC');
  }
  const { tf, name, version, device } = await openTfjs(choice);
  const artifacts: io.ModelArtifacts = {
    modelTopology: file.topology,
    weightSpecs: file.json.weightsManifest.flatMap(
      ({ weights }) => weights as io.WeightsManifestEntry[],
    ),
    weightData: await readShards(folder, file),
  };
  const model = await build(tf, bundle, artifacts);
  let scores: ScoresOutput;
  try {
    assertInput(model, bundle);
    scores = scoresOutput(file, bundle);
  } catch (error) {
    model.dispose();
    throw error;
  }
  return {
    name,
    version,
    device,
    async run(images, count, height, width) {
      const output = tf.tidy(() => {
        const batch = tf.tensor(
          images,
          tensorShape(bundle.input, count, { height, width }),
          'float32',
        );
        return predict(model, { bundle, scores }, batch);
      });
      try {
        return await scoresOf(output, count, bundle);
      } finally {
        output.dispose();
      }
    },
    async close() {
      model.dispose();
    },
  };
}

async function build(
  tf: Tfjs,
  bundle: ModelBundle,
  artifacts: io.ModelArtifacts,
): Promise<TfjsNetwork> {
  const handler: io.IOHandler = { load: async () => artifacts };
  try {
    return await (bundle.format === 'tfjs-graph'
      ? tf.loadGraphModel(handler)
      : tf.loadLayersModel(handler));
  } catch (error) {
    throw bad(
      bundle,
      `to be loaded by TensorFlow.js as ${bundle.format}: ${messageOf(error)}`,
      error,
    );
  }
}

function assertInput(model: TfjsNetwork, bundle: ModelBundle): void {
  const { height, width, resize } = bundle.input;
  const wanted = channelCount(bundle.input);
  const [input, ...others] = model.inputs;
  if (input === undefined || others.length > 0) {
    throw bad(bundle, `to have one input, the image, got ${model.inputs.length}`);
  }
  // TensorFlow.js marks an extent that is open by null, or in graph models by -1.
  const shape = input.shape?.map((extent) => (extent === -1 ? null : extent)) ?? [
    null,
    null,
    null,
    wanted,
  ];
  const [, y = null, x = null, channels = null] = shape;
  const fits = (extent: number | null, px: number) => extent === null || extent === px;
  if (shape.length !== 4 || !fits(channels, wanted)) {
    throw bad(bundle, `to take an image [N, height, width, ${wanted}], got [${shape.join(', ')}]`);
  }
  if (!fits(y, height) || !fits(x, width)) {
    throw bad(
      bundle,
      `to take the input of its description, ${height} x ${width} px (height x width), got [${shape.join(', ')}]: set input.height and input.width to ${y} and ${x}`,
    );
  }
  if (resize.rule === 'fit' && (y !== null || x !== null)) {
    throw bad(
      bundle,
      `to take inputs of any extent, as resize rule 'fit' gives, got [${shape.join(', ')}]`,
    );
  }
}

function predict(
  model: TfjsNetwork,
  { bundle, scores }: { readonly bundle: ModelBundle; readonly scores: ScoresOutput },
  batch: Tensor,
): Tensor {
  try {
    // A graph gives any of its nodes by name; without one, in an order of its own.
    const output =
      bundle.format === 'tfjs-graph' ? model.execute(batch, scores.name) : model.predict(batch);
    const outputs = Array.isArray(output) ? output : [output as Tensor];
    const chosen = outputs.length === 1 ? outputs[0] : outputs[scores.index];
    if (chosen !== undefined && 'shape' in chosen) return chosen as Tensor;
  } catch (error) {
    throw bad(
      bundle,
      `to run on an input of [${batch.shape.join(', ')}]: ${messageOf(error)}`,
      error,
    );
  }
  throw bad(bundle, `to give a tensor as its output '${scores.name}', got something else`);
}

/** Check an output and read its scores. @throws {AppError} `invalid_input` */
async function scoresOf(output: Tensor, count: number, bundle: ModelBundle): Promise<Float32Array> {
  const [images, ...extents] = output.shape;
  const classes = extents.reduce((product, extent) => product * extent, 1);
  if (images !== count || classes === 0 || !isRow(output.shape) || output.dtype !== 'float32') {
    throw bad(
      bundle,
      `to give a row of scores for each of ${count} images, float32 [${count}, classes], got ${output.dtype} [${output.shape.join(', ')}]`,
    );
  }
  return (await output.data()) as Float32Array;
}

const bad = ({ name }: ModelBundle, problem: string, cause?: unknown): AppError =>
  invalidInput(`Expected model '${name}' ${problem}`, cause);
/** The first line of an error's message; the rest is the runtime's advice. */
function messageOf(error: unknown): string {
  const [line = ''] = (error instanceof Error ? error.message : String(error)).split('\n');
  return line;
}
