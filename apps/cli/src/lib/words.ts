import type { Estimate } from '@umbra/shared/contracts/report';

/** A number as tables show it; nothing where it is not known. */
export const formatNumber = (value: number | null): string =>
  value === null ? '' : value.toFixed(3);

/** A mean with its interval of 95 %: `0.500 (0.400 to 0.600)`; of a point, such as one image's, the number alone. */
export const formatEstimate = ({ mean, low, high }: Estimate): string =>
  low === high ? mean.toFixed(3) : `${mean.toFixed(3)} (${low.toFixed(3)} to ${high.toFixed(3)})`;

/** Cut lines at the width of a terminal; elsewhere they stay whole. */
export function cutToWidth(text: string, out: NodeJS.WriteStream = process.stdout): string {
  if (!out.isTTY) return text;
  const width = Math.max(1, out.columns ?? 80);
  return text
    .split('\n')
    .map((line) => [...line].slice(0, width).join(''))
    .join('\n');
}

/** The first lines of a table, and how many more there are. */
export function shorten<T>(rows: readonly T[], max: number): { shown: readonly T[]; more: string } {
  const left = rows.length - max;
  return { shown: rows.slice(0, max), more: left > 0 ? `\n... and ${left} more` : '' };
}
