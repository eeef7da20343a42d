import { scaleLinear } from 'd3-scale';

/** A number beside a colour scale, and its place as a share of the scale's length. */
export type ScaleTick = { readonly value: number; readonly share: number };

/** Round numbers along a scale around 0; none where nothing drops. @param limit End of the scale. */
export function scaleTicks(limit: number): readonly ScaleTick[] {
  if (limit === 0) return [];
  const scale = scaleLinear([-limit, limit], [0, 1]);
  return scale.ticks(4).map((value) => ({ value, share: scale(value) }));
}

/** What the colours of a map of drops stand for. */
export const dropWords = {
  blue: 'blue: covering it raises the score',
  red: 'red: covering it lowers the score',
} as const;
