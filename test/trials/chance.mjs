// Numbers by chance that a seed repeats: every trial writes its seed down.

/**
 * @typedef {object} Chance
 * @property {() => number} next in [0, 1)
 * @property {(min: number, max: number) => number} between an integer, both ends included
 * @property {<T>(values: readonly T[]) => T} pick
 * @property {<T>(values: readonly T[]) => T[]} shuffle a copy in another order
 * @property {(length: number) => Buffer} bytes
 */

/**
 * @param {number} seed
 * @returns {Chance}
 */
export function createChance(seed) {
  let state = seed >>> 0;
  // Mulberry32.
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const between = (/** @type {number} */ min, /** @type {number} */ max) =>
    min + Math.floor(next() * (max - min + 1));
  return {
    next,
    between,
    pick(values) {
      if (values.length === 0) throw new Error('Expected something to pick from, got nothing');
      return /** @type {typeof values[number]} */ (values[between(0, values.length - 1)]);
    },
    shuffle: (values) =>
      values
        .map((value) => ({ value, order: next() }))
        .sort((a, b) => a.order - b.order)
        .map(({ value }) => value),
    bytes: (length) => Buffer.from(Array.from({ length }, () => between(0, 255))),
  };
}
