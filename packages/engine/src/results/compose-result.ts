import type { ModelBundle } from '@umbra/shared/contracts/model';
import { type ImageResult, imageResult, type ResultFile } from '@umbra/shared/contracts/result';
import type { OcclusionSettings } from '@umbra/shared/contracts/settings';
import type { BaselineRun, Provenance } from '@umbra/shared/contracts/shard';
import type { OcclusionRun } from '../engine.js';
import { renderHeatmap } from '../figures/heatmap.js';
import { renderOverlay, renderThumbnail } from '../figures/overlay.js';
import { planFrame } from '../image/frame.js';
import { attributeGrids, meanMap } from '../occlusion/attribution.js';
import { encodeArrays } from './arrays.js';
import { describeGrids, findLowest, formatResult } from './describe-grids.js';

export type ResultArguments = {
  /** The photo's file. */
  readonly photo: Buffer;
  /** Extent in px after orientation. */
  readonly image: ImageResult['image'];
  readonly model: {
    readonly bundle: ModelBundle;
    readonly digest: string;
    readonly labels: readonly string[];
  };
  readonly settings: OcclusionSettings;
  /** All rows of the plan. */
  readonly run: Pick<
    OcclusionRun,
    'plan' | 'scores' | 'predictedClasses' | 'baseline' | 'faithfulness'
  >;
  readonly provenance: Provenance;
  /** Whether some rows come from an earlier run. */
  readonly reused?: boolean;
};

/** Every file of one image's result, by name; the description comes last. */
export type ResultFiles = ReadonlyMap<ResultFile, Buffer>;

/** Make every file of one image's result. The queue and the local run both end here. */
export async function composeResult(given: ResultArguments): Promise<ResultFiles> {
  const { run, model, photo, settings } = given;
  const { plan, scores, baseline } = run;
  const size = plan.image;
  const frame = planFrame(model.bundle.input, given.image);
  const approximate = run.predictedClasses.includes(-1);
  /** By target, then by patch size. */
  const attributions = baseline.targets.map(({ score }, at) =>
    attributeGrids(plan, scores[at] ?? new Float32Array(), score),
  );
  const files = new Map<ResultFile, Buffer>();
  const targets: ImageResult['targets'] = [];
  for (const [at, target] of baseline.targets.entries()) {
    const map = meanMap(attributions[at] ?? []);
    const [heatmap, overlay] = [pictureName('heatmap', at), pictureName('overlay', at)];
    files.set(heatmap, await renderHeatmap(map, size, ...wordsOf(target, settings, approximate)));
    const drawn = await renderOverlay(map, size, frame, photo);
    files.set(overlay, drawn);
    if (at === 0) files.set('thumbnail.webp', await renderThumbnail(drawn));
    targets.push({
      ...target,
      lowest: findLowest(plan, scores[at] ?? new Float32Array()),
      faithfulness: run.faithfulness?.[at] ?? null,
      heatmap,
      overlay,
    });
  }
  for (const [file, bytes] of encodeArrays(run, attributions, size)) files.set(file, bytes);
  const result = imageResult.parse({
    version: 4,
    image: given.image,
    model: { name: model.bundle.name, digest: model.digest },
    settings,
    approximate,
    input: size,
    predicted: baseline.predicted,
    grids: describeGrids(run, model.labels),
    targets,
    files: [...files.keys()],
    provenance: given.provenance,
    reused: given.reused ?? false,
  } satisfies ImageResult);
  return files.set('result.json', Buffer.from(formatResult(result)));
}

/** The first target's pictures have plain names. */
const pictureName = <T extends 'heatmap' | 'overlay'>(kind: T, at: number) =>
  (at === 0 ? `${kind}.png` : `${kind}-${at + 1}.png`) as `${T}.png`;

function wordsOf(
  { label, score }: BaselineRun['targets'][number],
  settings: OcclusionSettings,
  approximate: boolean,
): [title: string, unit: string] {
  const unit = `${settings.score} lost (+) or gained (\u2212) when covered`;
  return [
    `${label}: ${settings.score} ${score.toFixed(3).replace('-', '\u2212')}`,
    approximate ? `${unit}; approximate` : unit,
  ];
}
