// Similarity of two maps.

/**
 * Computes Spearman's rank correlation; equal values share the mean of their ranks.
 *
 * @param {Float32Array} a
 * @param {Float32Array} b
 */
export function rankCorrelation(a, b) {
  const [x, y] = [ranksOf(a), ranksOf(b)];
  const middle = (a.length - 1) / 2;
  let [xy, xx, yy] = [0, 0, 0];
  for (let at = 0; at < a.length; at++) {
    const [dx, dy] = [(x[at] ?? 0) - middle, (y[at] ?? 0) - middle];
    xy += dx * dy;
    xx += dx * dx;
    yy += dy * dy;
  }
  return xy / Math.sqrt(xx * yy);
}

/** @param {Float32Array} values */
function ranksOf(values) {
  const order = Uint32Array.from(values.keys()).sort((i, j) => (values[i] ?? 0) - (values[j] ?? 0));
  const ranks = new Float64Array(values.length);
  for (let start = 0; start < order.length; ) {
    let end = start + 1;
    while (end < order.length && values[order[end] ?? 0] === values[order[start] ?? 0]) end += 1;
    for (let at = start; at < end; at++) ranks[order[at] ?? 0] = (start + end - 1) / 2;
    start = end;
  }
  return ranks;
}

const radius = 5;
const weights = (() => {
  const plain = Array.from({ length: 2 * radius + 1 }, (_, at) =>
    Math.exp(-((at - radius) ** 2) / (2 * 1.5 ** 2)),
  );
  const sum = plain.reduce((total, weight) => total + weight, 0);
  return plain.map((weight) => weight / sum);
})();

/**
 * Computes the mean structural similarity (SSIM) of two maps as pictures. Both are scaled so that the first one's range
 * is [0, 1], since SSIM is defined for light, which has no sign. Gaussian windows of 11 px and sigma 1.5, and the usual
 * constants.
 *
 * @param {Float32Array} map
 * @param {Float32Array} other
 * @param {{ readonly height: number, readonly width: number }} size
 * @see Wang, Bovik, Sheikh, Simoncelli, IEEE Transactions on Image Processing 13 (4), 2004.
 */
export function structuralSimilarity(map, other, size) {
  const lowest = map.reduce((least, value) => Math.min(least, value), Number.POSITIVE_INFINITY);
  const highest = map.reduce((max, value) => Math.max(max, value), Number.NEGATIVE_INFINITY);
  const [a, b] = [map, other].map((values) =>
    Float64Array.from(values, (value) => (value - lowest) / (highest - lowest)),
  );
  if (a === undefined || b === undefined) throw new Error('Expected two maps');
  const [c1, c2] = [0.01 ** 2, 0.03 ** 2];
  /** @param {(at: number) => number} pick */
  const mean = (pick) => smooth(Float64Array.from(a.keys(), pick), size);
  const [x, y] = [mean((at) => a[at] ?? 0), mean((at) => b[at] ?? 0)];
  const [xx, yy] = [mean((at) => (a[at] ?? 0) ** 2), mean((at) => (b[at] ?? 0) ** 2)];
  const xy = mean((at) => (a[at] ?? 0) * (b[at] ?? 0));
  let sum = 0;
  for (const [at, u] of x.entries()) {
    const v = y[at] ?? 0;
    const [varU, varV] = [(xx[at] ?? 0) - u * u, (yy[at] ?? 0) - v * v];
    const both = (xy[at] ?? 0) - u * v;
    sum += ((2 * u * v + c1) * (2 * both + c2)) / ((u * u + v * v + c1) * (varU + varV + c2));
  }
  return sum / a.length;
}

/**
 * Applies a Gaussian over both axes; the border pixel is repeated beyond the border.
 *
 * @param {Float64Array} image
 * @param {{ readonly height: number, readonly width: number }} size
 */
function smooth(image, { height, width }) {
  const wide = alongAxis(image, width, 1);
  return alongAxis(wide, height, width);
}

/**
 * @param {Float64Array} image
 * @param {number} extent
 * @param {number} step
 */
function alongAxis(image, extent, step) {
  return image.map((_, at) => {
    const place = Math.floor(at / step) % extent;
    let sum = 0;
    for (let tap = -radius; tap <= radius; tap++) {
      const from = Math.min(extent - 1, Math.max(0, place + tap));
      sum += (weights[tap + radius] ?? 0) * (image[at + (from - place) * step] ?? 0);
    }
    return sum;
  });
}
