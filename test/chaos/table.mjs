// The trial's table: how often each fault came, and how long the service took to go on after it.

/** @typedef {import('./rounds.mjs').Happening} Happening */

/**
 * @typedef {object} Row
 * @property {string} fault
 * @property {string} store
 * @property {number} times
 * @property {number | null} firstMs the largest
 * @property {number | null} heldMs the largest
 * @property {number | null} heldLocks `heldMs` in multiples of the lock
 */

/**
 * @param {readonly Happening[]} happenings
 * @param {number} lockMs
 * @returns {Row[]} one for each fault and store, in order of name
 */
export function tabulate(happenings, lockMs) {
  const happened = happenings.filter(({ skipped }) => skipped === null);
  const names = new Set(happened.map(({ fault, store }) => `${fault}|${store}`));
  return [...names].sort().map((name) => {
    const some = happened.filter(({ fault, store }) => `${fault}|${store}` === name);
    const [fault = '', store = ''] = name.split('|');
    const firstMs = largest(some.map(({ recovery }) => recovery?.firstMs));
    const heldMs = largest(some.map(({ recovery }) => recovery?.heldMs));
    const heldLocks = heldMs === null ? null : Math.round((heldMs / lockMs) * 10) / 10;
    return { fault, store, times: some.length, firstMs, heldMs, heldLocks };
  });
}

/** @param {readonly (number | undefined)[]} values */
function largest(values) {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? null : Math.max(...known);
}

/**
 * @param {readonly Row[]} rows
 * @returns {string} Markdown
 */
export function formatTable(rows) {
  const seconds = (/** @type {number | null} */ ms) =>
    ms === null ? '-' : `${(ms / 1000).toFixed(1)} s`;
  return [
    '| fault | store | times | next image after | held images after | in locks |',
    '|---|---|---|---|---|---|',
    ...rows.map(
      ({ fault, store, times, firstMs, heldMs, heldLocks }) =>
        `| ${fault} | ${store} | ${times} | ${seconds(firstMs)} | ${seconds(heldMs)} | ${heldLocks ?? '-'} |`,
    ),
  ].join('\n');
}
