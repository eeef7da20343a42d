import { at } from '@umbra/shared/assert';
import { needsWholeImage } from '@umbra/shared/contracts/settings';
import type { BaselineRun } from '@umbra/shared/contracts/shard';
import { integrity, invalidInput } from '@umbra/shared/errors';
import { boxesOf, checkRows } from '@umbra/shared/occlusion/plan';
import type { RowRange } from '@umbra/shared/occlusion/shards';
import { throwIfAborted } from '../abort.js';
import type { ModelInput } from '../image/preprocess.js';
import { type SharedImage, shareTensor } from '../image/shared-image.js';
import type { InferenceStrategy, OccludeOptions, OcclusionRun, ScoreMaps } from '../types.js';
import { attributeTargets } from './attribution.js';
import { type EvaluatedModel, openEvaluator } from './evaluate.js';
import { measureFaithfulness } from './faithfulness.js';
import { fillImage } from './fill.js';
import { refineMaps } from './refine.js';
import type { ResolvedRun } from './resolve-run.js';
import { describeBaseline } from './scores.js';

export type OccludedModel = EvaluatedModel & { readonly labels: readonly string[] };

/** A run without what its caller measures and knows: time and runtime. */
export type ScoredRun = Omit<OcclusionRun, 'milliseconds' | 'provenance'> & {
  /** The strategy that ran. */
  readonly strategy: InferenceStrategy;
};

/** Score the watched classes with the patch at each position of some rows of the plan. */
export async function occlude(
  model: OccludedModel,
  input: ModelInput,
  run: ResolvedRun,
  { rows: wanted, label, box, signal, onProgress }: OccludeOptions,
): Promise<ScoredRun> {
  const { settings, plan } = run;
  assertExtent(input, run);
  const rows = checkRows(plan, wanted ?? { rowStart: 0, rowEnd: plan.rows });
  assertWhole(run, rows);
  const image: SharedImage = {
    original: shareTensor(input.tensor),
    filled: shareTensor(fillImage(input, settings.fill, model.bundle.input)),
    size: plan.image,
  };
  throwIfAborted(signal);
  const evaluator = await openEvaluator(model, image, run);
  const output = await evaluator.evaluateBaseline(signal);
  const baseline = describeBaseline(output, model, run, label);

  const boxes = boxesOf(plan, rows);
  const recorder = createRecorder(model, run, { baseline, positions: boxes.length, onProgress });
  const score = (places: readonly number[]) =>
    evaluator.evaluate(
      places.map((place) => at(boxes, place)),
      { signal, onOutputs: (start, outputs) => recorder.record(places, start, outputs) },
    );
  const { maps } = recorder;
  if (settings.refine === null) await score([...boxes.keys()]);
  else {
    await refineMaps(plan, settings.refine, maps, score);
    onProgress?.(plan.positions);
  }
  const { strategy } = evaluator;
  if (settings.faithfulness === null) {
    return { plan, ...rows, ...maps, baseline, faithfulness: null, strategy };
  }
  const faithfulness = await measureFaithfulness(model, image, {
    attributions: attributeTargets(plan, maps.scores, baseline),
    targets: baseline.targets.map(({ index }) => index),
    steps: settings.faithfulness.steps,
    frame: input.frame,
    box,
    signal,
  });
  return { plan, ...rows, ...maps, baseline, faithfulness, strategy };
}

type Recorded = {
  readonly baseline: BaselineRun;
  readonly positions: number;
  readonly onProgress: OccludeOptions['onProgress'];
};

/** Create maps of so many positions, and what writes the network's outputs into them. */
function createRecorder(
  { head, bundle }: Pick<OccludedModel, 'head' | 'bundle'>,
  { score }: ResolvedRun,
  { baseline, positions, onProgress }: Recorded,
) {
  const scored = baseline.targets.map(({ index }) => ({
    index,
    values: new Float32Array(positions),
  }));
  const predictedClasses = new Int32Array(positions).fill(-1);
  const maps: ScoreMaps = { scores: scored.map(({ values }) => values), predictedClasses };
  let done = 0;
  /** @param outputs float32 [n, head.width], of `places[start]` on. */
  const record = (places: readonly number[], start: number, outputs: Float32Array): void => {
    const own = places.slice(start, start + outputs.length / head.width);
    for (const [nth, place] of own.entries()) {
      const output = outputs.subarray(nth * head.width, (nth + 1) * head.width);
      if (output.some(Number.isNaN)) {
        throw integrity(`Model '${bundle.name}' gives NaN with the patch at position ${place}`);
      }
      predictedClasses[place] = head.predict(output);
      for (const { index, values } of scored) {
        values[place] = head.score(output, index, score);
      }
    }
    done += own.length;
    onProgress?.(done);
  };
  return { maps, record };
}

function assertExtent({ height, width }: ModelInput, { plan: { image } }: ResolvedRun): void {
  if (height === image.height && width === image.width) return;
  throw invalidInput(
    `Expected an input of ${image.height} x ${image.width} px (height x width), for which the run was resolved, got ${height} x ${width} px`,
  );
}

function assertWhole({ settings, plan }: ResolvedRun, { rowStart, rowEnd }: RowRange): void {
  if (!needsWholeImage(settings) || (rowStart === 0 && rowEnd === plan.rows)) return;
  throw invalidInput(
    `Expected all ${plan.rows} rows at once, which refine and faithfulness need, got [${rowStart}, ${rowEnd})`,
  );
}
