// Whether a series stays flat: a slope that single peaks do not move, held to a bound.

/** @typedef {import('./series.mjs').Point} Point */

/** Growth over the whole time that is no leak: this share of the median, or this much, whichever is more. */
const share = 0.1;
/** @type {readonly (readonly [pattern: RegExp, least: number])[]} */
const floors = [
  [/^Redis memory, MB$/, 2],
  [/memory, MB$/, 25],
  [/handles$/, 4],
  [/kB$/, 512],
  [/(held|waiting)$/, 1],
];

/**
 * Theil-Sen estimator: the median of the slopes between all pairs of points.
 *
 * @param {readonly Point[]} points two at least
 * @returns {number} change of the value a millisecond
 */
export function robustSlope(points) {
  const slopes = points.flatMap((a, index) =>
    points
      .slice(index + 1)
      .filter((b) => b.atMs !== a.atMs)
      .map((b) => (b.value - a.value) / (b.atMs - a.atMs)),
  );
  return median(slopes);
}

/** @param {readonly number[]} values one at least */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted[Math.floor(sorted.length / 2)];
  if (middle === undefined) throw new Error('Expected values, got none');
  return middle;
}

/**
 * @typedef {object} Verdict
 * @property {string} name
 * @property {number} median
 * @property {number} growth over the time that was looked at, by the robust slope
 * @property {number} bound
 * @property {boolean} isFlat
 */

/**
 * @param {string} name
 * @param {readonly Point[]} points after the warm-up
 * @returns {Verdict}
 */
export function judge(name, points) {
  const spanMs = (points.at(-1)?.atMs ?? 0) - (points[0]?.atMs ?? 0);
  const middle = median(points.map(({ value }) => value));
  const growth = robustSlope(points) * spanMs;
  const least = floors.find(([pattern]) => pattern.test(name))?.[1] ?? 0;
  const bound = Math.max(least, share * middle);
  return { name, median: middle, growth, bound, isFlat: growth <= bound };
}
