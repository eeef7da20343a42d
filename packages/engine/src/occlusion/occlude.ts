import { needsWholeImage, type OcclusionSettings } from '@umbra/shared/contracts/settings';
import type { BaselineRun, Provenance } from '@umbra/shared/contracts/shard';
import { integrity, invalidInput } from '@umbra/shared/errors';
import { boxesOf, checkRows, type OcclusionPlan } from '@umbra/shared/occlusion/plan';
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
import { resolveRun } from './resolve-run.js';
import { argmax, describeBaseline, scoreOf } from './scores.js';
import type { StrategyLimits } from './strategy.js';

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
  const { plan, strategy, patch } = resolveRun(settings, bundle, input, {
    ...model.limits,
    labels,
  });
  const rows = checkRows(plan, options.rows ?? { rowStart: 0, rowEnd: plan.rows });
  assertWhole(settings, plan, rows);
  const image: SharedImage = {
    original: share(input.tensor),
    filled: share(fillImage(input, settings.fill, bundle.input)),
    size: { height: input.height, width: input.width },
  };
  throwIfAborted(signal);
  const way = { strategy, patch };
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
