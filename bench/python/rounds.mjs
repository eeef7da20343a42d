// What bench/peers/umbra_torch.py prints, and what is told of it.
import { spreadOf } from '../spread.mjs';

/** Captum and Umbra may differ so much, in logits. */
export const maxDifference = 1e-5;

/**
 * @typedef {{ send: number, run: number, fetch: number }} Parts seconds: `send` until the job is made, `run` until it has
 *   ended, `fetch` until the maps are here
 * @typedef {{ umbra: Parts, captum: number, difference: number }} Round
 * @typedef {object} Measured
 * @property {string} model
 * @property {number} images
 * @property {number} patch px
 * @property {number} stride px
 * @property {Parts} first one image, with the model's upload and check
 * @property {Parts} again one image, with the model known to the service
 * @property {Round[]} rounds
 * @property {Record<string, string>} versions
 */

/**
 * @param {string} output
 * @returns {Measured}
 * @throws {Error} if its last line is not what the script writes
 */
export function readRounds(output) {
  const line = output.trimEnd().split('\n').at(-1) ?? '';
  /** @type {Measured} */
  const found = line.startsWith('{') ? JSON.parse(line) : {};
  if (found.rounds?.length > 0) return found;
  throw new Error(
    `Expected a JSON object with rounds in the last line, got '${line.slice(0, 200)}'`,
  );
}

/**
 * Medians and spread over the rounds, seconds, and the largest difference.
 *
 * @param {Measured} measured
 */
export function summarizeRounds({ first, again, rounds, ...measured }) {
  const spread = (/** @type {(round: Round) => number} */ of) => spreadOf(rounds.map(of));
  const umbra = spread((round) => total(round.umbra));
  const captum = spread((round) => round.captum);
  return {
    ...measured,
    first,
    again,
    umbra,
    parts: {
      send: spread((round) => round.umbra.send),
      run: spread((round) => round.umbra.run),
      fetch: spread((round) => round.umbra.fetch),
    },
    captum,
    timesCaptum: captum.median / umbra.median,
    largestDifference: Math.max(...rounds.map(({ difference }) => difference)),
    rounds,
  };
}

/** @param {ReturnType<typeof summarizeRounds>} summary */
export function describeRounds({ umbra, captum, parts, first, again, images, ...summary }) {
  const { model, patch, stride, timesCaptum, largestDifference } = summary;
  const each = Object.entries(parts).map(([name, spread]) => `${name} ${show(spread)}`);
  const verdict = largestDifference <= maxDifference ? 'within' : 'BEYOND';
  return [
    `${model} ${patch}/${stride}, ${images} images: umbra_client ${show(umbra)}, Captum ${show(captum)}: ${timesCaptum.toFixed(2)} times as fast`,
    `of that: ${each.join(', ')}`,
    `one image with the model's upload and check ${total(first).toFixed(2)} s, and ${total(again).toFixed(2)} s with the model there`,
    `largest difference ${largestDifference.toExponential(1)}, ${verdict} ${maxDifference}`,
  ];
}

/** @param {Parts} parts */
const total = ({ send, run, fetch }) => send + run + fetch;

/** @param {ReturnType<typeof spreadOf>} spread */
const show = ({ median, min, max }) =>
  `${median.toFixed(2)} s (${min.toFixed(2)} to ${max.toFixed(2)})`;
