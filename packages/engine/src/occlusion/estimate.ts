import type { OcclusionSettings } from '@umbra/shared/contracts/settings';
import type { Size } from '@umbra/shared/occlusion/grid';
import type { OcclusionPlan } from '@umbra/shared/occlusion/plan';
import type { OpenModel } from '../engine.js';
import { planFrame } from '../image/frame.js';
import type { ModelInput } from '../image/preprocess.js';
import { fillImage } from './fill.js';
import { planOcclusion } from './resolve-run.js';

/** What explaining one image will take on this machine. */
export type RunEstimate = {
  /** Patch positions of all grids. */
  readonly positions: number;
  /** Forward passes, the clean image's included; the most that a refined run may take. */
  readonly passes: number;
  /** Multiply-adds of all passes; null where the network's arithmetic is not known. */
  readonly macs: number | null;
  /** From a short run on this machine, model loaded, nothing else running. */
  readonly seconds: number;
  /** Resident memory of this process after that run, bytes: weights, batches, runtime. */
  readonly memoryBytes: number;
};

export type EstimateOptions = { readonly signal?: AbortSignal };

/** A calibration goes on until it took this long, or ran the whole plan. */
const calibrationMs = 500;
/** No batch is smaller, so the clean image costs two. */
const baselinePasses = 2;

/**
 * Say what a run will take before it is run.
 *
 * @param size Extent of the model's input, px: `inputSize` of a photo.
 * @throws {AppError} `invalid_input` if the settings do not fit the input or the model.
 */
export async function estimateRun(
  model: OpenModel,
  size: Size,
  settings: OcclusionSettings,
  { signal }: EstimateOptions = {},
): Promise<RunEstimate> {
  const plan = planOcclusion(size, settings);
  const passes = countPasses(plan, settings);
  const { macs } = await model.plan(size, settings);
  const positions = countPositions(plan, settings);
  const perPassMs = await timePass(model, size, settings, plan, signal);
  return {
    positions: plan.positions,
    passes,
    macs: macs && macs.chosen * positions + macs.dense * (passes - 1 - positions + baselinePasses),
    seconds: (perPassMs * (passes - 1 + baselinePasses)) / 1000,
    memoryBytes: process.memoryUsage.rss(),
  };
}

/** Forward passes of one image: the clean one, the positions, and what faithfulness asks. */
export function countPasses(plan: OcclusionPlan, settings: OcclusionSettings): number {
  const { faithfulness, target } = settings;
  const targets = target.kind === 'top' ? target.k : 1;
  const judged = faithfulness === null ? 0 : 2 * (faithfulness.steps + 1) * targets;
  return 1 + countPositions(plan, settings) + judged;
}

/** The most positions that are run. */
const countPositions = ({ positions }: OcclusionPlan, { refine }: OcclusionSettings): number =>
  refine === null ? positions : Math.ceil(refine.share * positions);

/** @returns Milliseconds a forward pass, all threads at work. */
async function timePass(
  model: OpenModel,
  size: Size,
  settings: OcclusionSettings,
  plan: OcclusionPlan,
  signal: AbortSignal | undefined,
): Promise<number> {
  const input = noiseInput(model, size);
  const plain: OcclusionSettings = {
    ...settings,
    target: { kind: 'predicted' },
    refine: null,
    faithfulness: null,
  };
  const time = async (rowEnd: number) => {
    const rows = { rowStart: 0, rowEnd };
    const { milliseconds, predictedClasses } = await model.occlude(input, plain, {
      rows,
      ...(signal === undefined ? {} : { signal }),
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

function noiseInput({ bundle }: OpenModel, { height, width }: Size): ModelInput {
  const input = { ...bundle.input, height, width };
  const frame = planFrame({ ...input, resize: { rule: 'squash' } }, { height, width });
  const blank = { height, width, frame, tensor: new Float32Array(3 * height * width) };
  return { ...blank, tensor: fillImage(blank, { kind: 'noise', seed: 1 }, bundle.input) };
}
