import { scaleLinear } from 'd3-scale';

/** A number beside a colour scale, and its place as a share of the scale's length. */
export type ScaleTick = { readonly value: number; readonly share: number };

/**
 * Round numbers along a scale; none where nothing drops.
 *
 * @param limit End of the scale.
 * @param start Its beginning: around 0 if left out.
 */
export function scaleTicks(limit: number, start = -limit): readonly ScaleTick[] {
  if (limit === 0) return [];
  const scale = scaleLinear([start, limit], [0, 1]);
  return scale.ticks(4).map((value) => ({ value, share: scale(value) }));
}

/** What the colours of a map of drops stand for. */
export const dropWords = {
  blue: 'blue: covering it raises the score',
  red: 'red: covering it lowers the score',
} as const;
