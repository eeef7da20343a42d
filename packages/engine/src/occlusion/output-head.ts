import { at } from '@umbra/shared/assert';
import {
  defaultThreshold,
  isIndependent,
  type ModelBundle,
  type OutputKind,
} from '@umbra/shared/contracts/model';
import type { OcclusionSettings } from '@umbra/shared/contracts/settings';
import { type AppError, integrity } from '@umbra/shared/errors';

export type Score = OcclusionSettings['score'];

/** Marks a position in a map of predicted classes: no class reaches the threshold there. */
export const noClass = -2;

/** Reads the classes' scores from a model's output for one image, float32 [width]. */
export type OutputHead = {
  /** Numbers in the output. */
  readonly width: number;
  /** Classes: one a number, or two where a single number speaks for one class and its opposite. */
  readonly classes: number;
  /** Whether an image may have no predicted class. */
  readonly mayPredictNone: boolean;
  /**
   * Score one class: `probability` in [0, 1]; `logit`, the network's own number; `log-odds`,
   * `ln(p / (1 - p))`. `assertScore` says which of them there are.
   */
  score(output: Float32Array, index: number, score: Score): number;
  /** The predicted class, the first of equals; `noClass` where no independent one reaches the threshold. */
  predict(output: Float32Array): number;
  /** The predicted class, or the most probable one, and those after it by probability: `k` in all. */
  rank(output: Float32Array, k: number): number[];
};

/**
 * Read a model's output as its bundle describes it.
 *
 * @param width Numbers that the model gives for an image.
 * @throws {AppError} `integrity` if a single number is described as one of several exclusive
 *   classes, or several as the score of one class.
 */
export function createOutputHead(
  { name, output: { kind, positive, threshold = defaultThreshold } }: DescribedOutput,
  width: number,
): OutputHead {
  if (width === 1 && !isIndependent(kind)) {
    throw bad(
      name,
      `to give at least 2 scores, since its output is '${kind}' of classes of which one is right, got 1: describe it as 'independent-${kind}' and name its class, output.positive`,
    );
  }
  if (width > 1 && positive !== undefined) {
    throw bad(name, `to give 1 score, that of output.positive '${positive}', got ${width}`);
  }
  const { score } = kinds[kind];
  if (width === 1) return createPairHead(kind, threshold);
  return {
    width,
    classes: width,
    mayPredictNone: isIndependent(kind),
    score,
    predict(output) {
      const largest = argmax(output);
      const isPresent = !isIndependent(kind) || score(output, largest, 'probability') >= threshold;
      return isPresent ? largest : noClass;
    },
    rank: (output, k) =>
      [...output.entries()]
        .sort(([a, valueA], [b, valueB]) => valueB - valueA || a - b)
        .slice(0, k)
        .map(([index]) => index),
  };
}

type DescribedOutput = Pick<ModelBundle, 'name' | 'output'>;

const bad = (name: string, problem: string): AppError =>
  integrity(`Expected model '${name}' ${problem}`);

/** A head of one number: class 1 is what it speaks for, class 0 the opposite. */
function createPairHead(kind: OutputKind, threshold: number): OutputHead {
  const isLogit = kind === 'independent-logits';
  const predict = (output: Float32Array) =>
    kinds[kind].score(output, 0, 'probability') >= threshold ? 1 : 0;
  return {
    width: 1,
    classes: 2,
    mayPredictNone: false,
    score(output, index, score) {
      const value = at(output, 0);
      const sign = index === 1 ? 1 : -1;
      if (score !== 'probability') return sign * (isLogit ? value : logOdds(value, 1 - value));
      if (isLogit) return sigmoid(sign * value);
      return index === 1 ? value : 1 - value;
    },
    predict,
    rank: (output, k) => (predict(output) === 1 ? [1, 0] : [0, 1]).slice(0, k),
  };
}

/** How the numbers of each kind are scored. */
const kinds: Readonly<Record<OutputKind, Pick<OutputHead, 'score'>>> = {
  logits: {
    score(output, index, score) {
      if (score === 'logit') return at(output, index);
      return score === 'probability'
        ? softmaxAt(output, index)
        : at(output, index) - logSumOfOthers(output, index);
    },
  },
  probabilities: {
    score: (output, index, score) =>
      score === 'probability'
        ? at(output, index)
        : logOdds(at(output, index), sumOfOthers(output, index)),
  },
  'independent-logits': {
    score: (output, index, score) =>
      score === 'probability' ? sigmoid(at(output, index)) : at(output, index),
  },
  'independent-probabilities': {
    score(output, index, score) {
      const value = at(output, index);
      return score === 'probability' ? value : logOdds(value, 1 - value);
    },
  },
};

/** Logistic function; its exponential cannot overflow into a NaN, only into infinity. */
const sigmoid = (logit: number): number => 1 / (1 + Math.exp(-logit));

/** Softmax of one output, summed in float64 after the largest is taken off, so that it cannot overflow. */
export function softmaxAt(output: Float32Array, index: number): number {
  let largest = Number.NEGATIVE_INFINITY;
  for (const value of output) largest = Math.max(largest, value);
  let sum = 0;
  for (const value of output) sum += Math.exp(value - largest);
  return Math.exp(at(output, index) - largest) / sum;
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

function sumOfOthers(values: Float32Array, index: number): number {
  let sum = 0;
  for (const [nth, value] of values.entries()) if (nth !== index) sum += value;
  return sum;
}

/** Lower limit for probabilities, which are float32, so that a log-odds stays finite. */
const smallest = 1e-12;

const logOdds = (probability: number, others: number): number =>
  Math.log(Math.max(smallest, probability)) - Math.log(Math.max(smallest, others));

/** The class with the largest output; the first of equals. */
function argmax(output: Float32Array): number {
  let best = 0;
  for (let index = 1; index < output.length; index++) {
    // Hot: both indices are below the length.
    if ((output[index] as number) > (output[best] as number)) best = index;
  }
  return best;
}

/** Sums of float16 probabilities of many classes stay within this of 1. */
const sumTolerance = 1e-2;

/**
 * Compare outputs of a model with the kind that its bundle states: a slip that no run would notice.
 *
 * @param outputs Outputs of some images, float32 [width] each.
 * @throws {AppError} `integrity` naming the kind that they look like.
 */
export function assertOutputKind(
  { name, output: { kind } }: DescribedOutput,
  outputs: readonly Float32Array[],
): void {
  const areShares = outputs.every((row) =>
    row.every((value) => value >= -sumTolerance && value <= 1 + sumTolerance),
  );
  const sums = outputs.map((row) => row.reduce((sum, value) => sum + value, 0));
  const sumToOne = sums.every((sum) => Math.abs(sum - 1) <= sumTolerance);
  const isOne = outputs.every(({ length }) => length === 1);
  if (kind === 'logits' && areShares && sumToOne) {
    throw bad(
      name,
      "to give logits, got numbers in [0, 1] whose sum is 1: is its output 'probabilities'?",
    );
  }
  if (kind.endsWith('probabilities') && !areShares) {
    throw bad(
      name,
      `to give probabilities, got numbers outside [0, 1]: is its output '${kind.replace('probabilities', 'logits')}'?`,
    );
  }
  if (kind === 'probabilities' && !sumToOne && !isOne) {
    throw bad(
      name,
      `to give probabilities whose sum is 1, got a sum of ${at(sums, 0).toFixed(3)}: is its output 'independent-probabilities'?`,
    );
  }
}
