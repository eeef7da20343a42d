/**
 * The median of some values beside the least and the largest.
 *
 * @param {readonly number[]} values
 */
export function spreadOf(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
  return { median, min: sorted[0] ?? Number.NaN, max: sorted.at(-1) ?? Number.NaN };
}
