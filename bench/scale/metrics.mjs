// Parser for the part of Prometheus's text format that Umbra's own metrics use.

/** @typedef {{ name: string, labels: Record<string, string>, value: number }} Sample */

/**
 * @param {string} url
 * @returns {Promise<Sample[]>}
 */
export async function readMetrics(url) {
  const response = await fetch(url, { signal: AbortSignal.timeout(5_000) });
  if (!response.ok) throw new Error(`Expected metrics at ${url}, got ${response.status}`);
  return parseMetrics(await response.text());
}

/**
 * @param {string} text
 * @returns {Sample[]}
 */
export function parseMetrics(text) {
  const samples = [];
  for (const line of text.split('\n')) {
    const found = /^([A-Za-z_:][\w:]*)(?:\{(.*)\})? (\S+)/.exec(line);
    if (found === null) continue;
    const [, name = '', labelText = '', value] = found;
    const labels = Object.fromEntries(
      [...labelText.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, key, text]) => [key, text]),
    );
    samples.push({ name, labels, value: Number(value) });
  }
  return samples;
}

/**
 * Sums the samples with this name and these labels.
 *
 * @param {readonly Sample[]} samples
 * @param {string} name
 * @param {Record<string, string>} [labels]
 */
export function sumOf(samples, name, labels = {}) {
  const wanted = Object.entries(labels);
  return samples
    .filter((sample) => sample.name === name)
    .filter((sample) => wanted.every(([key, value]) => sample.labels[key] === value))
    .reduce((sum, { value }) => sum + value, 0);
}
