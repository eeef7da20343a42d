import { imageIndexOf } from '@umbra/shared/ids';
import { createChance } from '../../test/trials/chance.mjs';

const classes = 1000;

/**
 * Makes up the row of a finished image: numbers that differ between images and never between runs.
 *
 * @param {string} id
 * @param {number} attempt
 * @returns {import('@umbra/shared/contracts/row').StoredRow}
 */
export function stubRow(id, attempt) {
  const { next: chance } = createChance(imageIndexOf(id));
  const classAt = (/** @type {number} */ index) => ({ index, label: `class ${index}` });
  const first = Math.floor(classes * chance() ** 2);
  const top = Array.from({ length: 5 }, (_, rank) => ({
    ...classAt((first + 7 * rank) % classes),
    probability: (0.3 + 0.7 * chance()) / (1 + 3 * rank),
  }));
  const score = top[0]?.probability ?? 0;
  const flips = Math.floor(100 * chance() ** 3);
  const [row, column] = [Math.floor(10 * chance()), Math.floor(10 * chance())];
  return {
    version: 1,
    id,
    attempt,
    state: 'completed',
    error: null,
    predicted: { ...classAt(first), probability: score },
    isRight: chance() < 0.8,
    top,
    target: classAt(first),
    score,
    drop: score * chance(),
    lowest: {
      ...{ grid: 0, row, column },
      box: { top: 40 * row, left: 40 * column, bottom: 40 * row + 64, right: 40 * column + 64 },
    },
    flips,
    flippedShare: flips / 100,
    borderShare: chance(),
    seconds: 0.1 + chance(),
  };
}
