import { at } from './assert.js';

/** Numbers that look random, and follow from a seed: the same on every machine. */
export type SeededRandom = {
  /** Uniform in [0, 1), in steps of 2^-32. */
  uniform(): number;
  /** A whole number from 0 to `count` - 1, each as likely; `count` is from 1 to 2^32. */
  below(count: number): number;
  /** Put items into a random order, in place (Fisher-Yates). */
  shuffle<T>(items: { readonly length: number; [index: number]: T }): void;
};

/**
 * Start a sequence; none for cryptography.
 *
 * @param seed Whole number from 0 to 2^32 - 1; others give unrelated sequences.
 * @see Mulberry32 by Tommy Ettinger, whose period is 2^32.
 */
export function createRandom(seed: number): SeededRandom {
  let state = seed | 0;
  const uniform = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let bits = Math.imul(state ^ (state >>> 15), state | 1);
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (count: number): number => Math.floor(uniform() * count);
  return {
    uniform,
    below,
    shuffle(items) {
      for (let last = items.length - 1; last > 0; last--) {
        const other = below(last + 1);
        const item = at(items, last);
        items[last] = at(items, other);
        items[other] = item;
      }
    },
  };
}
