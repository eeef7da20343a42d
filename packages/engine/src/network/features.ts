import { at } from '@umbra/shared/assert';
import type { ModelBundle } from '@umbra/shared/contracts/model';
import { integrity, invalidInput } from '@umbra/shared/errors';
import type { Size } from '@umbra/shared/occlusion/grid';
import { imageLength } from '../image/pixel-format.js';
import type { SegmentRunner } from '../incremental/types.js';
import type { ImageStack } from '../occlusion/image-batch.js';
import { runInputs } from '../occlusion/run-inputs.js';
import type { Features } from '../types.js';
import { featureLayer } from './feature-layer.js';
import { findLayer } from './layers.js';
import { openNetwork } from './network.js';
import type { FeaturesTask } from './types.js';

export type FeatureModel = {
  readonly folder: string;
  readonly bundle: ModelBundle;
  readonly threads: Pick<SegmentRunner, 'inferenceThreads' | 'runShapeProbe'> & {
    runFeatures(task: FeaturesTask): Promise<Float32Array>;
  };
  /** Budget for the batches of all threads together, bytes. */
  readonly batchBytes: number;
};

/** See `OpenModel.openFeatures`. */
export async function openFeatures(
  { folder, bundle, threads, batchBytes }: FeatureModel,
  selector?: string,
): Promise<Features> {
  const { inferenceThreads, runFeatures, runShapeProbe } = threads;
  const network = await openNetwork(folder, bundle, bundle.input, runShapeProbe);
  const { graph, size, close } = network;
  try {
    const node = selector === undefined ? featureLayer(graph) : findLayer(graph, selector).node;
    const task = { part: network.part(node), axes: graph.axes.get(at(node.outputs, 0)) ?? null };
    const runner = { bundle, inferenceThreads, batchBytes, minImages: 1 };
    // What cannot be run is told here, and not once crops were made for it.
    const { length: channels } = await runFeatures({ ...task, ...blankImage(bundle) });
    return {
      layer: node.name,
      channels,
      async *run(inputs, { signal } = {}) {
        const run = (stack: ImageStack) => {
          assertSize(stack.size, size);
          return runFeatures({ ...task, ...stack });
        };
        for await (const features of runInputs({ ...runner, run }, inputs, signal)) {
          if (!features.every(Number.isFinite)) {
            throw integrity(`Layer '${node.name}' of model '${bundle.name}' gives NaN or infinity`);
          }
          yield features;
        }
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

function blankImage({ input }: ModelBundle): ImageStack {
  const { height, width } = input;
  const images = new SharedArrayBuffer(imageLength(input, input) * 4);
  return { images, count: 1, size: { height, width } };
}

function assertSize({ height, width }: Size, expected: Size): void {
  if (height === expected.height && width === expected.width) return;
  throw invalidInput(
    `Expected inputs of ${expected.height} x ${expected.width} px (height x width), for which the layer was opened, got ${height} x ${width} px`,
  );
}
