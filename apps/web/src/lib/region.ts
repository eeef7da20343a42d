import type { Region } from '@umbra/shared/occlusion/region';
import { formatShare } from './report-words.js';

export const regionSides = ['top', 'left', 'bottom', 'right'] as const;
export type RegionSide = (typeof regionSides)[number];
/** Sides of a region as they are typed: percent of the input. */
export type RegionFields = Readonly<Record<RegionSide, string>>;

/** A point of a map, percent of its width and height. */
export type MapPoint = { readonly x: number; readonly y: number };

export const noRegion: RegionFields = { top: '', left: '', bottom: '', right: '' };

/** The region that was typed; or what is wrong with it, by side. */
export function readRegion(
  fields: RegionFields,
): { readonly region: Region } | { readonly errors: Partial<RegionFields> } {
  const errors: Partial<Record<RegionSide, string>> = {};
  for (const side of regionSides) {
    const problem = problemOf(fields[side]);
    if (problem !== null) errors[side] = problem;
  }
  const { top, left, bottom, right } = regionOf(fields);
  if (bottom <= top) errors.bottom ??= `Expected more than the top's ${fields.top}`;
  if (right <= left) errors.right ??= `Expected more than the left's ${fields.left}`;
  const isRight = Object.keys(errors).length === 0;
  return isRight ? { region: { top, left, bottom, right } } : { errors };
}

/** The sides that two corners of a dragged box make, in whole percent; null of a box without an area. */
export function dragRegion(from: MapPoint, to: MapPoint): RegionFields | null {
  const [left, right] = spanOf(from.x, to.x);
  const [top, bottom] = spanOf(from.y, to.y);
  if (left === right || top === bottom) return null;
  return { top: `${top}`, left: `${left}`, bottom: `${bottom}`, right: `${right}` };
}

/** `rows 0.0 % to 25.0 %, columns 50.0 % to 75.0 %`. */
export const regionWords = ({ top, left, bottom, right }: Region): string =>
  `rows ${formatShare(top)} to ${formatShare(bottom)}, columns ${formatShare(left)} to ${formatShare(right)}`;

const regionOf = (fields: RegionFields): Region => ({
  top: Number(fields.top) / 100,
  left: Number(fields.left) / 100,
  bottom: Number(fields.bottom) / 100,
  right: Number(fields.right) / 100,
});

function problemOf(text: string): string | null {
  if (text.trim() === '') return 'Expected 0 to 100';
  const percent = Number(text);
  return percent >= 0 && percent <= 100 ? null : `Expected 0 to 100, got ${text}`;
}

function spanOf(a: number, b: number): readonly [number, number] {
  const [low, high] = a < b ? [a, b] : [b, a];
  const inside = (percent: number) => Math.min(100, Math.max(0, Math.round(percent)));
  return [inside(low), inside(high)];
}
