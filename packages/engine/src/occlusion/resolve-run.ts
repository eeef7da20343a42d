import type { ModelBundle } from '@umbra/shared/contracts/model';
import { type OcclusionSettings, patchesOf } from '@umbra/shared/contracts/settings';
import { invalidInput } from '@umbra/shared/errors';
import type { Size } from '@umbra/shared/occlusion/grid';
import { type OcclusionPlan, planGrids } from '@umbra/shared/occlusion/plan';
import { assertInputSize } from '../image/input-limits.js';
import { assertScore } from './scores.js';
import { allowedStrategy, type StrategyLimits } from './strategy.js';
import { assertTarget } from './targets.js';

/** Positions of an image, unless an operator says otherwise: stride 1 over 1000 x 1000 px. */
export const defaultMaxPositions = 1_000_000;

/** What the caller knows beside the bundle; what is left out is checked once the model is open. */
export type RunLimits = StrategyLimits & {
  /** Pixels of an input; `defaultMaxInputPixels` if left out. */
  readonly maxInputPixels?: number;
  /** Positions of an image, of all grids together; `defaultMaxPositions` if left out. */
  readonly maxPositions?: number;
  /** Class names in the order of the model's output. */
  readonly labels?: readonly string[] | undefined;
};

/** Settings that fit a model, whatever the extent of its input. */
export type ResolvedSettings = {
  /** The settings as they were asked for. */
  readonly settings: OcclusionSettings;
  readonly target: OcclusionSettings['target'];
  readonly score: OcclusionSettings['score'];
  /** The strategy asked for, as far as it is allowed here: `dense` where nothing else can be had. */
  readonly strategy: OcclusionSettings['strategy'];
  /** The extent that every patch of the run fits into, px. */
  readonly patch: Size;
};

/** Settings that fit a model and its input, and the positions that they give. */
export type ResolvedRun = ResolvedSettings & { readonly plan: OcclusionPlan };

/**
 * Check a run's settings against a model once, at the border of a process; what comes back is passed
 * down and not checked again.
 *
 * @param size Extent of the model's input, px: `inputSize` of a photo.
 * @param limits What else is known there: class names, and what the process allows.
 * @throws {AppError} `invalid_input` if the score, target, strategy or patch does not fit, or the input
 *   or the number of positions is beyond its limit.
 */
export function resolveRun(
  settings: OcclusionSettings,
  bundle: Pick<ModelBundle, 'name' | 'output'>,
  size: Size,
  limits: RunLimits = {},
): ResolvedRun {
  const resolved = resolveSettings(settings, bundle, limits);
  assertInputSize(size, limits.maxInputPixels);
  const plan = planOcclusion(size, settings);
  const { maxPositions = defaultMaxPositions } = limits;
  if (plan.positions <= maxPositions) return { ...resolved, plan };
  throw invalidInput(
    `Expected at most ${maxPositions} positions an image (UMBRA_MAX_POSITIONS), got ${plan.positions}: take a larger stride`,
  );
}

/**
 * Check what can be checked before the extent of an input is known: `resolveRun` without a plan.
 *
 * @throws {AppError} `invalid_input` if the score, target or strategy does not fit.
 */
export function resolveSettings(
  settings: OcclusionSettings,
  bundle: Pick<ModelBundle, 'name' | 'output'>,
  { labels, ...limits }: RunLimits = {},
): ResolvedSettings {
  const { target, score } = settings;
  const strategy = allowedStrategy(settings.strategy, limits);
  if (labels !== undefined) assertTarget(target, labels);
  assertScore(score, bundle);
  return { settings, target, score, strategy, patch: largestPatch(settings) };
}

/**
 * Hold a run also to what became known after it was resolved: the classes and the device of an open
 * model.
 *
 * @throws {AppError} `invalid_input` as `resolveSettings`.
 */
export function narrowRun(
  run: ResolvedRun,
  bundle: Pick<ModelBundle, 'name' | 'output'>,
  limits: RunLimits,
): ResolvedRun {
  const { settings, strategy } = run;
  const narrowed = resolveSettings({ ...settings, strategy }, bundle, limits);
  return { ...run, strategy: narrowed.strategy };
}

/** Plan the positions over an input of a given extent, px. @throws {AppError} `invalid_input` */
export function planOcclusion({ height, width }: Size, settings: OcclusionSettings): OcclusionPlan {
  return planGrids({ height, width }, patchesOf(settings), settings.stride, settings.edge);
}

const largestPatch = (settings: OcclusionSettings): Size => ({
  height: Math.max(...patchesOf(settings).map(({ height }) => height)),
  width: Math.max(...patchesOf(settings).map(({ width }) => width)),
});
