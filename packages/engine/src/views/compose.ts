import {
  type CleanRun,
  type Grid,
  type ImageResult,
  imageResult,
  type ModelBundle,
  type OcclusionSettings,
  type Provenance,
  patchBox,
  type ResultFile,
} from '@umbra/shared';
import { planFrame } from '../image/frame.js';
import { attribute } from '../occlusion/attribution.js';
import { renderHeatmap } from './heatmap.js';
import { encodeNpy } from './npy.js';
import { renderOverlay } from './overlay.js';

export type ResultArguments = {
  /** The photo's file. */
  readonly photo: Buffer;
  /** Extent in px after orientation. */
  readonly image: ImageResult['image'];
  readonly model: { readonly bundle: ModelBundle; readonly digest: string };
  readonly settings: OcclusionSettings;
  readonly grid: Grid;
  /** float32 [rows, columns] of the whole grid. */
  readonly scores: Float32Array;
  readonly clean: CleanRun;
  readonly provenance: Provenance;
};

/** Make every file of one image's result. The queue and the local run both end here. */
export async function composeResult(given: ResultArguments): Promise<Record<ResultFile, Buffer>> {
  const { grid, scores, clean, model, photo, settings } = given;
  const size = grid.image;
  const attribution = attribute(grid, scores, clean.score);
  const frame = planFrame(model.bundle.input, given.image);
  const result = imageResult.parse({
    version: 1,
    image: given.image,
    model: { name: model.bundle.name, digest: model.digest },
    settings,
    input: size,
    grid: { rows: grid.rows, columns: grid.columns },
    clean,
    lowest: findLowest(grid, scores),
    provenance: given.provenance,
  } satisfies ImageResult);
  const title = `${clean.target.label}: ${settings.score} ${clean.score.toFixed(3)}`;
  const unit = `${settings.score} lost (+) or gained (\u2212) when covered`;
  return {
    'heatmap.png': await renderHeatmap(attribution, size, title, unit),
    'overlay.png': await renderOverlay(attribution, size, frame, photo),
    'scores.npy': encodeNpy(scores, [grid.rows, grid.columns]),
    'attribution.npy': encodeNpy(attribution, [size.height, size.width]),
    'result.json': Buffer.from(`${JSON.stringify(result, null, 2)}\n`),
  };
}

function findLowest(grid: Grid, scores: Float32Array): ImageResult['lowest'] {
  let lowest = 0;
  for (const [index, score] of scores.entries()) {
    if (score < (scores[lowest] ?? Number.POSITIVE_INFINITY)) lowest = index;
  }
  const row = Math.floor(lowest / grid.columns);
  const column = lowest % grid.columns;
  return { score: scores[lowest] ?? Number.NaN, row, column, box: patchBox(grid, row, column) };
}
