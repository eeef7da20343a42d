import { at } from '@umbra/shared/assert';
import type { ItemLabel } from '@umbra/shared/contracts/dataset';
import type { ModelBundle } from '@umbra/shared/contracts/model';
import type { OcclusionSettings } from '@umbra/shared/contracts/settings';
import type { BaselineRun } from '@umbra/shared/contracts/shard';
import { invalidInput } from '@umbra/shared/errors';
import { targetIndices } from './targets.js';

type Score = OcclusionSettings['score'];
type OutputUnit = ModelBundle['output'];

/** Lower limit for probabilities, which are float32, so that a log-odds stays finite. */
const smallest = 1e-12;

/** Softmax of one output, summed in float64 after the largest is taken off, so that it cannot overflow. */
export function softmaxAt(output: Float32Array, index: number): number {
  let largest = Number.NEGATIVE_INFINITY;
  for (const value of output) largest = Math.max(largest, value);
  let sum = 0;
  for (const value of output) sum += Math.exp(value - largest);
  return Math.exp(at(output, index) - largest) / sum;
}

/**
 * One class's score in the requested unit; `log-odds` is `ln(p / (1 - p))`.
 *
 * @param output The model's output for one image, [classes].
 * @param unit What the output is made of.
 */
export function scoreOf(
  output: Float32Array,
  index: number,
  score: Score,
  unit: OutputUnit,
): number {
  const value = at(output, index);
  if (score === 'log-odds') {
    return unit === 'logits' ? value - logSumOfOthers(output, index) : logOdds(output, index);
  }
  return score === 'logit' || unit === 'probabilities' ? value : softmaxAt(output, index);
}

/** Log-sum-exp of the other classes. Not from the probability: near 1, `1 - p` has lost its digits. */
function logSumOfOthers(logits: Float32Array, index: number): number {
  let largest = Number.NEGATIVE_INFINITY;
  for (const [nth, value] of logits.entries())
    if (nth !== index) largest = Math.max(largest, value);
  let sum = 0;
  for (const [nth, value] of logits.entries()) if (nth !== index) sum += Math.exp(value - largest);
  return largest + Math.log(sum);
}

function logOdds(probabilities: Float32Array, index: number): number {
  let others = 0;
  for (const [nth, value] of probabilities.entries()) if (nth !== index) others += value;
  return (
    Math.log(Math.max(smallest, at(probabilities, index))) - Math.log(Math.max(smallest, others))
  );
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
 * Describe the unoccluded run: the predicted class, and the classes that are watched.
 *
 * @param output The model's output for the unoccluded image, [classes].
 * @param label The image's label in its dataset, if it has one.
 * @throws {AppError} `invalid_input` if the model has no such class, or the image no label.
 */
export function describeBaseline(
  output: Float32Array,
  { labels, bundle }: { readonly labels: readonly string[]; readonly bundle: ModelBundle },
  { target, score }: Pick<OcclusionSettings, 'target' | 'score'>,
  label?: ItemLabel,
): BaselineRun {
  const describe = (index: number) => ({ index, label: at(labels, index) });
  const predictedClass = argmax(output);
  return {
    predicted: {
      ...describe(predictedClass),
      probability: scoreOf(output, predictedClass, 'probability', bundle.output),
    },
    targets: targetIndices(target, output, labels, label).map((index) => ({
      ...describe(index),
      score: scoreOf(output, index, score, bundle.output),
    })),
  };
}

/** The class with the largest output; the first of equals. */
export function argmax(output: Float32Array): number {
  let best = 0;
  for (let index = 1; index < output.length; index++) {
    // Hot: both indices are below the length.
    if ((output[index] as number) > (output[best] as number)) best = index;
  }
  return best;
}
