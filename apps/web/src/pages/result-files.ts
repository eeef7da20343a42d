import type { Grid } from '@umbra/shared/occlusion/grid';
import type { ImageProgress, ImageResult, ResultFile } from '../api/images.js';
import { keptImages } from '../api/source.js';
import { formatFloat32, formatPercent } from '../lib/format.js';

/** The array of a patch size: one of several ends in its size. */
function arrayFile(result: ImageResult | null, names: readonly string[], size: string): ResultFile {
  const wanted = names.map((name) => `${name}${size}.npy`);
  const found = result?.files.find((file) => wanted.includes(file));
  return (found ?? wanted[0]) as ResultFile;
}

const sizeOf = (result: ImageResult | null, grid: number, count: number): string => {
  const patch = result?.grids[grid]?.patch;
  return count === 1 || patch === undefined ? '' : `-${patch.height}x${patch.width}`;
};

/** @param count Number of patch sizes. */
export const scoresFile = (result: ImageResult | null, grid: number, count: number): ResultFile =>
  arrayFile(result, ['scores'], sizeOf(result, grid, count));

/** Results of earlier versions call them winners. */
export const winnersFile = (result: ImageResult | null, grid: number, count: number): ResultFile =>
  arrayFile(result, ['predicted-classes', 'winners'], sizeOf(result, grid, count));

/** What the model says of the photo without a patch; null while that is not known. */
export const predictedOf = (progress: ImageProgress) =>
  progress.state === 'finished' ? progress.result.predicted : progress.partial.predicted;

/** What arrays of predicted classes have for a position that was not run. */
const notRun = -1;
/** And for one where no class reaches the threshold of independent classes. */
const noClass = -2;

/** The class that is predicted without a patch, as arrays of predicted classes number it. */
export function predictedIndexOf(progress: ImageProgress): number | null {
  const predicted = predictedOf(progress);
  if (predicted === null) return null;
  return predicted.aboveThreshold === false ? noClass : predicted.index;
}

/** Name classes by number, as far as an image tells them. */
export function classNamer(progress: ImageProgress): (index: number) => string {
  const names = new Map([
    [notRun, 'interpolated'],
    [noClass, 'no class'],
  ]);
  for (const { index, label } of namedClasses(progress)) names.set(index, label);
  return (index) => names.get(index) ?? `class ${index}`;
}

function* namedClasses(progress: ImageProgress): Generator<{ index: number; label: string }> {
  if (progress.state === 'finished') {
    const { grids, top = [] } = progress.result;
    for (const { flips } of grids) {
      for (const { index, label } of flips) if (index !== null) yield { index, label };
    }
    yield* top;
  }
  const { targets, predicted } = progress.state === 'finished' ? progress.result : progress.partial;
  yield* targets;
  if (predicted !== null) yield predicted;
}

/** What a saved view says of itself, line by line. */
export function viewWords(
  { image, model, settings, predicted, targets }: ImageResult,
  { target, grid }: { readonly target: number; readonly grid: Grid },
): readonly string[] {
  const { label, score } = targets[target] ?? {};
  const { patch, stride } = grid;
  const decided = predicted.aboveThreshold === false ? 'no class' : predicted.label;
  return [
    image.name,
    `${label}: ${settings.score} ${formatFloat32(score ?? Number.NaN)} without a patch; predicted: ${decided}, ${formatPercent(predicted.probability)}`,
    `${model.name}, patch ${patch.width} × ${patch.height} px, stride ${stride.x} × ${stride.y} px`,
  ];
}

const imagePattern = /^img_(\d{8})$/;

export const firstImage = 'img_00000000';

/** The image so many places on, of those that are there. @returns null beyond the first and the last. */
export function stepImage(image: string, by: number, total: number): string | null {
  const kept = keptImages();
  if (kept !== null) return kept[kept.indexOf(image) + by] ?? null;
  const next = Number(imagePattern.exec(image)?.[1]) + by;
  return next >= 0 && next < total ? `img_${String(next).padStart(8, '0')}` : null;
}
