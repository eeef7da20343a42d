// A plot of every series, one above the other, as SVG.

const width = 860;
const rowHeight = 64;
const left = 230;
const right = 90;

/** @param {number} value */
const rounded = (value) => (value >= 100 ? value.toFixed(0) : value.toFixed(1));

/**
 * @param {import('./series.mjs').Series} series
 * @param {{ title: string, warmUpMs: number }} options
 * @returns {string}
 */
export function plotSeries(series, { title, warmUpMs }) {
  const all = [...series.values()].flat();
  const endMs = Math.max(1, ...all.map(({ atMs }) => atMs));
  const x = (/** @type {number} */ atMs) => left + ((width - left - right) * atMs) / endMs;
  const rows = [...series].map(([name, points], index) => drawRow(name, points, { index, x }));
  const height = 60 + series.size * rowHeight;
  const warm = x(warmUpMs).toFixed(1);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="${width}" height="${height}" fill="white"/>`,
    `<text x="12" y="22" font-size="15">${title}</text>`,
    `<line x1="${warm}" x2="${warm}" y1="36" y2="${height - 20}" stroke="#bbb" stroke-dasharray="3"/>`,
    ...rows,
    `<text x="${left}" y="${height - 6}" fill="#666">0</text>`,
    `<text x="${width - right}" y="${height - 6}" fill="#666" text-anchor="end">${(endMs / 60_000).toFixed(1)} min</text>`,
    '</svg>\n',
  ].join('\n');
}

/**
 * @param {string} name
 * @param {readonly import('./series.mjs').Point[]} points
 * @param {{ index: number, x: (atMs: number) => number }} place
 */
function drawRow(name, points, { index, x }) {
  const top = 40 + index * rowHeight;
  const values = points.map(({ value }) => value);
  const max = Math.max(...values);
  // From zero, so that a swing looks as small as it is.
  const y = (/** @type {number} */ value) =>
    top + rowHeight - 14 - ((rowHeight - 22) * value) / Math.max(max, 1e-9);
  const path = points.map(({ atMs, value }) => `${x(atMs).toFixed(1)},${y(value).toFixed(1)}`);
  return [
    `<text x="12" y="${top + 26}">${name}</text>`,
    `<polyline points="${path.join(' ')}" fill="none" stroke="#2563a8" stroke-width="1.3"/>`,
    `<text x="${width - right + 8}" y="${top + 20}" fill="#666">max ${rounded(max)}</text>`,
    `<text x="${width - right + 8}" y="${top + 36}" fill="#666">end ${rounded(values.at(-1) ?? 0)}</text>`,
  ].join('\n');
}
