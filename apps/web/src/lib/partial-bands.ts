import type { BandEvent } from '@umbra/shared/contracts/event';
import type { PartialResult } from '@umbra/shared/contracts/partial';

/** Add a band that was told to what is known of its image; one that is known already changes nothing. */
export function withBand(
  partial: PartialResult,
  { rowStart, rowEnd, values }: BandEvent,
): PartialResult {
  if (values === null || hasRows(partial, rowStart, rowEnd)) return partial;
  const { predicted, targets, scores, predictedClasses } = values;
  const bands = [...partial.bands, { rowStart, rowEnd, scores, predictedClasses }];
  return { ...partial, predicted, targets, bands: bands.sort((a, b) => a.rowStart - b.rowStart) };
}

/** Add the bands that were known before: an answer may have been on its way while others were told. */
export function withBandsOf(partial: PartialResult, before: PartialResult): PartialResult {
  const lost = before.bands.filter(({ rowStart, rowEnd }) => !hasRows(partial, rowStart, rowEnd));
  if (lost.length === 0) return partial;
  const { predicted, targets } = partial.targets.length === 0 ? before : partial;
  const bands = [...partial.bands, ...lost];
  return { ...partial, predicted, targets, bands: bands.sort((a, b) => a.rowStart - b.rowStart) };
}

const hasRows = ({ bands }: PartialResult, rowStart: number, rowEnd: number): boolean =>
  bands.some((band) => band.rowStart <= rowStart && band.rowEnd >= rowEnd);
