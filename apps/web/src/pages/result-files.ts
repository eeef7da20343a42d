import type { ImageResult, ResultFile } from '../api/images.js';

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

/** Names of a result's classes by number, as far as it tells them. */
export function classNamesOf(result: ImageResult | null): ReadonlyMap<number, string> {
  const names = new Map<number, string>();
  if (result === null) return names;
  for (const { flips } of result.grids) {
    for (const { index, label } of flips) if (index !== null) names.set(index, label);
  }
  for (const { index, label } of [...result.targets, result.predicted]) names.set(index, label);
  return names;
}

const imagePattern = /^img_(\d{8})$/;

export const firstImage = 'img_00000000';

/** The image so many places on. @returns null beyond the first and the last. */
export function stepImage(image: string, by: number, total: number): string | null {
  const next = Number(imagePattern.exec(image)?.[1]) + by;
  return next >= 0 && next < total ? `img_${String(next).padStart(8, '0')}` : null;
}
