import type { Provider } from '@umbra/shared/contracts/provider';
import {
  needsWholeImage,
  type OcclusionSettings,
  patchesOf,
} from '@umbra/shared/contracts/settings';
import type { BaselineRun, Provenance } from '@umbra/shared/contracts/shard';
import { integrity, invalidInput } from '@umbra/shared/errors';
import type { Size } from '@umbra/shared/occlusion/grid';
import { boxesOf, checkRows, type OcclusionPlan, planGrids } from '@umbra/shared/occlusion/plan';
import type { OccludeOptions, OcclusionRun } from '../engine.js';
import type { ModelInput } from '../image/preprocess.js';
import { throwIfAborted } from './abort.js';
import { attributeTargets } from './attribution.js';
import {
  type EvaluatedModel,
  evaluate,
  evaluateBaseline,
  planFor,
  type SharedImage,
  share,
} from './evaluate.js';
import { measureFaithfulness } from './faithfulness.js';
import { fillImage } from './fill.js';
import { refineMaps } from './refine.js';
import { argmax, assertScore, describeBaseline, scoreOf } from './scores.js';

export type OccludedModel = EvaluatedModel & {
  readonly labels: readonly string[];
  readonly limits: StrategyLimits;
  readonly runtime: Omit<Provenance, 'strategy'>;
};

/** Numbers of some of a plan's positions. */
export type Maps = {
  /** One float32 [positions] a target. */
  readonly scores: readonly Float32Array[];
  /** int32 [positions]: the class that wins; -1 where none was run. */
  readonly predictedClasses: Int32Array;
};

/** The positions of a run over an input of a given extent. @throws {AppError} `invalid_input` */
export function planOcclusion({ height, width }: Size, settings: OcclusionSettings): OcclusionPlan {
  return planGrids({ height, width }, patchesOf(settings), settings.stride, settings.edge);
}

/** The extent that every patch of a run fits into, px. */
export const largestPatch = (settings: OcclusionSettings): Size => ({
  height: Math.max(...patchesOf(settings).map(({ height }) => height)),
  width: Math.max(...patchesOf(settings).map(({ width }) => width)),
});

/** Score the watched classes with the patch at each position of some rows of the plan. */
export async function occlude(
  model: OccludedModel,
  input: ModelInput,
  settings: OcclusionSettings,
  options: OccludeOptions = {},
): Promise<OcclusionRun> {
  const startedAt = performance.now();
  const { bundle, labels } = model;
  const { signal, onProgress } = options;
  assertScore(settings.score, bundle, model.classes);
  const plan = planOcclusion(input, settings);
  const rows = checkRows(plan, options.rows ?? { rowStart: 0, rowEnd: plan.rows });
  assertWhole(settings, plan, rows);
  const strategy = allowedStrategy(settings.strategy, model.limits);
  const image: SharedImage = {
    original: share(input.tensor),
    filled: share(fillImage(input, settings.fill, bundle.input)),
    size: { height: input.height, width: input.width },
  };
  throwIfAborted(signal);
  const way = { strategy, patch: largestPatch(settings) };
  const baselineOutput = await evaluateBaseline(model, image, { signal, way });
  const baseline = describeBaseline(baselineOutput, labels, settings, bundle, options.label);

  const boxes = boxesOf(plan, rows);
  const record = recordRows(model, settings.score, baseline, boxes.length, onProgress);
  const score = (places: readonly number[]) =>
    evaluate(model, image, pick(boxes, places), {
      signal,
      way,
      onRows: (start, output) => record.take(places, start, output),
    });
  const { maps } = record;
  if (settings.refine === null) await score([...boxes.keys()]);
  else {
    await refineMaps(plan, settings.refine, maps, score);
    onProgress?.(plan.positions);
  }
  const faithfulness =
    settings.faithfulness === null
      ? null
      : await measureFaithfulness(model, image, {
          attributions: attributeTargets(plan, maps.scores, baseline),
          baseline,
          steps: settings.faithfulness.steps,
          frame: input.frame,
          box: options.box,
          signal,
        });
  const milliseconds = performance.now() - startedAt;
  const ran = (await planFor(model, image.size, way)) === null ? 'dense' : 'incremental';
  const provenance: Provenance = { ...model.runtime, strategy: ran };
  return { plan, ...rows, ...maps, baseline, faithfulness, milliseconds, provenance };
}

/** Maps of so many positions, and what writes the network's rows into them. */
function recordRows(
  { classes, bundle }: OccludedModel,
  score: OcclusionSettings['score'],
  { targets }: BaselineRun,
  positions: number,
  onProgress: OccludeOptions['onProgress'],
) {
  const scored = targets.map(({ index }) => ({ index, values: new Float32Array(positions) }));
  const predictedClasses = new Int32Array(positions).fill(-1);
  const maps: Maps = { scores: scored.map(({ values }) => values), predictedClasses };
  let done = 0;
  /** @param output float32 [n, classes], of `places[start]` on. */
  const take = (places: readonly number[], start: number, output: Float32Array): void => {
    const own = places.slice(start, start + output.length / classes);
    for (const [at, place] of own.entries()) {
      const row = output.subarray(at * classes, (at + 1) * classes);
      if (row.some(Number.isNaN)) {
        throw integrity(`Model '${bundle.name}' gives NaN with the patch at position ${place}`);
      }
      predictedClasses[place] = argmax(row);
      for (const { index, values } of scored) {
        values[place] = scoreOf(row, index, score, bundle.output);
      }
    }
    done += own.length;
    onProgress?.(done);
  };
  return { maps, take };
}

const pick = <T>(values: readonly T[], places: readonly number[]): T[] =>
  places.flatMap((place) => values[place] ?? []);

function assertWhole(
  settings: OcclusionSettings,
  plan: OcclusionPlan,
  { rowStart, rowEnd }: { readonly rowStart: number; readonly rowEnd: number },
): void {
  if (!needsWholeImage(settings) || (rowStart === 0 && rowEnd === plan.rows)) return;
  throw invalidInput(
    `Expected all ${plan.rows} rows at once, which refine and faithfulness need, got [${rowStart}, ${rowEnd})`,
  );
}

/** What an engine's options say of strategies: see `EngineOptions`. */
export type StrategyLimits = {
  readonly provider?: Provider;
  readonly forbidIncremental?: boolean;
};

/**
 * What a strategy means here: `auto` is `dense` where incremental cannot be had.
 *
 * Segments run on CPUs alone: a GPU would wait for the row copies between them.
 *
 * @throws {AppError} `invalid_input` if incremental is asked for there.
 */
export function allowedStrategy(
  strategy: OcclusionSettings['strategy'],
  { provider = 'cpu', forbidIncremental = false }: StrategyLimits,
): OcclusionSettings['strategy'] {
  if (provider === 'cpu' && !forbidIncremental) return strategy;
  if (strategy !== 'incremental') return 'dense';
  const why = forbidIncremental
    ? 'incremental inference is forbidden here (UMBRA_FORBID_INCREMENTAL)'
    : `incremental inference runs on the cpu, and the execution provider here is ${provider}`;
  throw invalidInput(`Expected strategy 'auto' or 'dense', since ${why}, got 'incremental'`);
}
