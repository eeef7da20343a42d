/** Format a tick: three significant digits at the scale's ends, and as many decimals elsewhere. */
export function formatTick(value: number, limit: number): string {
  return (value > 0 ? '+' : '') + formatNumber(value, { limit, step: limit });
}

/** Ticks of a scale that is symmetric around 0, from its upper end down; one if all is 0. */
export const symmetricTicks = (limit: number): readonly string[] =>
  limit === 0 ? ['0'] : [1, 0.5, 0, -0.5, -1].map((share) => formatTick(share * limit, limit));

/** Ticks of a scale from `low` to `high`, from its upper end down: as many digits as tell them apart. */
export function rangeTicks(low: number, high: number): readonly string[] {
  const limit = Math.max(Math.abs(low), Math.abs(high));
  if (!(high > low)) return [formatNumber(high, { limit, step: limit })];
  const digits = { limit, step: Math.min(limit, high - low) };
  return [high, (low + high) / 2, low].map((value) => formatNumber(value, digits));
}

type Digits = {
  /** Largest size on the scale. */
  readonly limit: number;
  /** Size of which three digits are shown. */
  readonly step: number;
};

function formatNumber(value: number, { limit, step }: Digits): string {
  if (value === 0) return '0';
  const size = Math.abs(value);
  const [most, least] = [exponentOf(limit), exponentOf(step)];
  const text =
    limit < 0.001 || limit >= 10_000
      ? size.toExponential(Math.min(12, 2 + most - least))
      : size.toFixed(Math.min(12, Math.max(0, 2 - least)));
  return (value < 0 ? '\u2212' : '') + text.replace('e-', 'e\u2212');
}

/** Power of ten of a size's first digit, once it is rounded to three. */
const exponentOf = (size: number): number => Math.floor(Math.log10(Number(size.toPrecision(3))));
