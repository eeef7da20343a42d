import { medianOf } from '../resample.js';

/** Below it a class has no usual image. */
const minImages = 10;
/** Maps up to this distance, a cosine of 0.95, are alike however narrow their class is. */
const minDistance = 0.05;
/** Robust z-score above which a value is an outlier (Iglewicz & Hoaglin 1993). */
const suspectZ = 3.5;

/** Where distances of a class lie: their median, and what counts as 1 of a z-score. */
export type Scale = { readonly median: number; readonly spread: number };

/**
 * Median and spread of distances: MAD / 0.6745, the median absolute deviation of the median, which is the standard
 * deviation where they are normal; where more than half of them are equal, 1.2533 times the mean absolute deviation.
 * Null of fewer than 10.
 */
export function scaleOf(distances: readonly number[]): Scale | null {
  if (distances.length < minImages) return null;
  const median = medianOf(distances);
  const deviations = distances.map((distance) => Math.abs(distance - median));
  const mad = medianOf(deviations);
  if (mad > 0) return { median, spread: mad / 0.6745 };
  const mean = deviations.reduce((sum, deviation) => sum + deviation, 0) / deviations.length;
  return { median, spread: 1.253314 * mean };
}

/** A distance as a z-score of its class; 0 where all distances are the same. */
export const zOf = (distance: number, { median, spread }: Scale): number =>
  spread > 0 ? (distance - median) / spread : 0;

export const isSuspect = (distance: number, scale: Scale): boolean =>
  distance > minDistance && zOf(distance, scale) > suspectZ;
