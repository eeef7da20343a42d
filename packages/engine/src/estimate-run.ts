import { planFrame } from '@umbra/shared/occlusion/frame';
import { imageLength } from './image/pixel-format.js';
import type { ModelInput } from './image/preprocess.js';
import { countPasses, countPositions } from './occlusion/count-passes.js';
import { fillImage } from './occlusion/fill.js';
import type { ResolvedRun } from './occlusion/resolve-run.js';
import type { OpenModel, RunEstimate } from './types.js';

export type EstimateOptions = { readonly signal?: AbortSignal };

/** A calibration goes on until it took this long, or ran the whole plan. */
const calibrationMs = 500;
/** No batch is smaller, so the unoccluded image takes the time of two. */
const baselinePasses = 2;

/**
 * Estimate what a run takes before it is run, by a short run on noise.
 *
 * @throws {AppError} `invalid_input` if the run does not fit the model.
 */
export async function estimateRun(
  model: OpenModel,
  run: ResolvedRun,
  options: EstimateOptions = {},
): Promise<RunEstimate> {
  const passes = countPasses(run);
  const { macs } = await model.plan(run);
  const positions = countPositions(run);
  const perPassMs = await timePass(model, run, options);
  return {
    positions: run.plan.positions,
    passes,
    macs: macs && macs.chosen * positions + macs.dense * (passes - positions),
    seconds: (perPassMs * (passes - 1 + baselinePasses)) / 1000,
    memoryBytes: process.memoryUsage.rss(),
  };
}

/** @returns Milliseconds a forward pass, all threads at work. */
async function timePass(
  model: OpenModel,
  run: ResolvedRun,
  options: EstimateOptions,
): Promise<number> {
  const { plan, settings } = run;
  const input = noiseInput(model, run);
  const target = { kind: 'predicted' } as const;
  const plain: ResolvedRun = {
    ...run,
    target,
    settings: { ...settings, target, refine: null, faithfulness: null },
  };
  const time = async (rowEnd: number) => {
    const rows = { rowStart: 0, rowEnd };
    const { milliseconds, predictedClasses } = await model.occlude(input, plain, {
      rows,
      ...options,
    });
    return { milliseconds, perPass: milliseconds / (predictedClasses.length + baselinePasses) };
  };
  // The first run allocates; it is not counted.
  await time(1);
  let rows = Math.min(2, plan.rows);
  let timed = await time(rows);
  while (timed.milliseconds < calibrationMs && rows < plan.rows) {
    rows = Math.min(2 * rows, plan.rows);
    timed = await time(rows);
  }
  return timed.perPass;
}

function noiseInput({ bundle }: OpenModel, { plan: { image } }: ResolvedRun): ModelInput {
  const { height, width } = image;
  const frame = planFrame({ ...bundle.input, ...image, resize: { rule: 'squash' } }, image);
  const blank = {
    height,
    width,
    frame,
    tensor: new Float32Array(imageLength(bundle.input, image)),
  };
  return { ...blank, tensor: fillImage(blank, { kind: 'noise', seed: 1 }, bundle.input) };
}
