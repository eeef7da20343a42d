import { at } from '@umbra/shared/assert';
import type { ModelBundle } from '@umbra/shared/contracts/model';
import { type ImageResult, imageResult, type ResultFile } from '@umbra/shared/contracts/result';
import type { OcclusionSettings } from '@umbra/shared/contracts/settings';
import type { BaselineRun, Provenance } from '@umbra/shared/contracts/shard';
import { type HeatmapText, renderHeatmap } from '../figures/heatmap.js';
import { renderOverlay, renderThumbnail } from '../figures/overlay.js';
import { planFrame } from '../image/frame.js';
import { attributeGrids, maskUncovered, meanMap } from '../occlusion/attribution.js';
import type { OcclusionRun } from '../types.js';
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
  /** The run's scores and baseline, for all positions of the plan. */
  readonly run: Pick<
    OcclusionRun,
    'plan' | 'scores' | 'predictedClasses' | 'baseline' | 'faithfulness'
  >;
  readonly provenance: Provenance;
  /** Whether some scores come from an earlier run. */
  readonly reused?: boolean;
  /** Opacity of overlays at the strongest attribution, in [0, 1]. */
  readonly opacity?: number;
};

/** Every file of one image's result, by name; the description comes last. */
export type ResultFiles = ReadonlyMap<ResultFile, Buffer>;

/** Make every file of one image's result, for a job and for a local run alike. */
export async function composeResult(given: ResultArguments): Promise<ResultFiles> {
  const { run, model, photo, settings } = given;
  const { plan, scores, baseline } = run;
  const size = plan.image;
  const frame = planFrame(model.bundle.input, given.image);
  const approximate = run.predictedClasses.includes(-1);
  /** Attribution maps by target, then by patch size. */
  const attributions = baseline.targets.map(({ score }, index) =>
    attributeGrids(plan, at(scores, index), score),
  );
  const files = new Map<ResultFile, Buffer>();
  const targets: ImageResult['targets'] = [];
  for (const [index, target] of baseline.targets.entries()) {
    const map = maskUncovered(plan, meanMap(at(attributions, index)));
    const text = heatmapText(target, settings, approximate);
    const photoMap = { ...size, attribution: map, frame, photo };
    const [heatmap, overlay] = [pictureName('heatmap', index), pictureName('overlay', index)];
    const [picture, drawn] = await Promise.all([
      renderHeatmap(map, size, text),
      renderOverlay(photoMap, text, given.opacity),
    ]);
    files.set(heatmap, picture);
    files.set(overlay, drawn);
    if (index === 0) files.set('thumbnail.webp', await renderThumbnail(photoMap, given.opacity));
    targets.push({
      ...target,
      lowest: findLowest(plan, at(scores, index)),
      faithfulness: run.faithfulness?.[index] ?? null,
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

/** Name a target's picture; the first target's have plain names. */
const pictureName = <T extends 'heatmap' | 'overlay'>(kind: T, target: number) =>
  (target === 0 ? `${kind}.png` : `${kind}-${target + 1}.png`) as `${T}.png`;

function heatmapText(
  { label, score }: BaselineRun['targets'][number],
  settings: OcclusionSettings,
  approximate: boolean,
): HeatmapText {
  const unit = `${settings.score} lost (+) or gained (\u2212) when covered`;
  return {
    title: `${label}: ${settings.score} ${score.toFixed(3).replace('-', '\u2212')}`,
    unit: approximate ? `${unit}; approximate` : unit,
  };
}
