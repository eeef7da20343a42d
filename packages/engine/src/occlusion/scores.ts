import type { ItemLabel } from '@umbra/shared/contracts/dataset';
import type { ModelBundle } from '@umbra/shared/contracts/model';
import type { OcclusionSettings } from '@umbra/shared/contracts/settings';
import type { BaselineRun } from '@umbra/shared/contracts/shard';
import { invalidInput } from '@umbra/shared/errors';
import { targetIndices } from './targets.js';

type Score = OcclusionSettings['score'];
type Output = ModelBundle['output'];

/** Probabilities are float32: below this a log-odds says nothing more, and must stay finite. */
const smallest = 1e-12;

/** Softmax of one row, summed in float64 after the largest is taken off, so that it cannot overflow. */
export function softmaxAt(row: Float32Array, index: number): number {
  let largest = Number.NEGATIVE_INFINITY;
  for (const value of row) largest = Math.max(largest, value);
  let sum = 0;
  for (const value of row) sum += Math.exp(value - largest);
  return Math.exp((row[index] ?? Number.NaN) - largest) / sum;
}

/**
 * One class's score in the requested unit; `log-odds` is `ln(p / (1 - p))`.
 *
 * @param row The model's output for one image, [classes].
 */
export function scoreOf(row: Float32Array, index: number, score: Score, output: Output): number {
  const value = row[index] ?? Number.NaN;
  if (score === 'log-odds') {
    return output === 'logits' ? value - logSumOfOthers(row, index) : logOdds(row, index);
  }
  return score === 'logit' || output === 'probabilities' ? value : softmaxAt(row, index);
}

/** Not from the probability: near 1, `1 - p` has lost its digits. */
function logSumOfOthers(row: Float32Array, index: number): number {
  let largest = Number.NEGATIVE_INFINITY;
  for (const [at, value] of row.entries()) if (at !== index) largest = Math.max(largest, value);
  let sum = 0;
  for (const [at, value] of row.entries()) if (at !== index) sum += Math.exp(value - largest);
  return largest + Math.log(sum);
}

function logOdds(row: Float32Array, index: number): number {
  let others = 0;
  for (const [at, value] of row.entries()) if (at !== index) others += value;
  return Math.log(Math.max(smallest, row[index] ?? 0)) - Math.log(Math.max(smallest, others));
}

/**
 * Check that a model can give a score.
 *
 * @param classes Length of the model's output, where it is known.
 * @throws {AppError} `invalid_input` if it cannot.
 */
export function assertScore(
  score: Score,
  bundle: Pick<ModelBundle, 'name' | 'output'>,
  classes: number | undefined,
): void {
  if (score === 'logit' && bundle.output === 'probabilities') {
    throw invalidInput(
      `Expected score 'probability' or 'log-odds', since model '${bundle.name}' gives probabilities, got 'logit'`,
    );
  }
  if (score === 'log-odds' && classes !== undefined && classes < 2) {
    throw invalidInput(
      `Expected score 'probability' or 'logit', since model '${bundle.name}' has one class, got 'log-odds'`,
    );
  }
}

/**
 * Which classes are watched, and what the model says of the unoccluded image.
 *
 * @param row The model's output for the clean image, [classes].
 * @param label What the dataset says of the image, if it does.
 * @throws {AppError} `invalid_input` if the model has no such class, or the image no label.
 */
export function describeBaseline(
  row: Float32Array,
  labels: readonly string[],
  { target, score }: Pick<OcclusionSettings, 'target' | 'score'>,
  { output }: ModelBundle,
  label?: ItemLabel,
): BaselineRun {
  const describe = (index: number) => ({ index, label: labels[index] ?? `class ${index}` });
  const predictedClass = argmax(row);
  return {
    predicted: {
      ...describe(predictedClass),
      probability: scoreOf(row, predictedClass, 'probability', output),
    },
    targets: targetIndices(target, row, labels, label).map((index) => ({
      ...describe(index),
      score: scoreOf(row, index, score, output),
    })),
  };
}

/** The class that wins; the first of equals. */
export function argmax(row: Float32Array): number {
  let best = 0;
  for (let index = 1; index < row.length; index++) {
    if ((row[index] ?? 0) > (row[best] ?? 0)) best = index;
  }
  return best;
}
