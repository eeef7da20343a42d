import { at } from '@umbra/shared/assert';
import type { ItemLabel } from '@umbra/shared/contracts/dataset';
import type { ModelBundle } from '@umbra/shared/contracts/model';
import type { OcclusionSettings } from '@umbra/shared/contracts/settings';
import { type BaselineRun, maxRanked } from '@umbra/shared/contracts/shard';
import { invalidInput } from '@umbra/shared/errors';
import { noClass, type OutputHead, type Score } from './output-head.js';
import { targetIndices } from './targets.js';

/**
 * Check that a model can give a score.
 *
 * @throws {AppError} `invalid_input` if it cannot.
 */
export function assertScore(
  score: Score,
  { name, output: { kind } }: Pick<ModelBundle, 'name' | 'output'>,
): void {
  if (score !== 'logit' || kind.endsWith('logits')) return;
  throw invalidInput(
    `Expected score 'probability' or 'log-odds', since model '${name}' gives probabilities, got 'logit'`,
  );
}

/**
 * Describe the unoccluded run: the predicted class, and the classes that are watched. Where no class
 * is predicted, the most probable one stands in its place, and `aboveThreshold` is false.
 *
 * @param output The model's output for the unoccluded image, float32 [head.width].
 * @param label The image's label in its dataset, if it has one.
 * @throws {AppError} `invalid_input` if the model has no such class, or the image no label.
 */
export function describeBaseline(
  output: Float32Array,
  { labels, head }: { readonly labels: readonly string[]; readonly head: OutputHead },
  { target, score }: Pick<OcclusionSettings, 'target' | 'score'>,
  label?: ItemLabel,
): BaselineRun {
  const describe = (index: number) => ({ index, label: at(labels, index) });
  const rank = (k: number) => head.rank(output, k);
  const top = rank(maxRanked).map((index) => ({
    ...describe(index),
    probability: head.score(output, index, 'probability'),
  }));
  const first = at(top, 0);
  return {
    predicted: {
      ...first,
      ...(head.mayPredictNone && { aboveThreshold: head.predict(output) !== noClass }),
    },
    top,
    targets: targetIndices(target, rank, labels, label).map((index) => ({
      ...describe(index),
      score: head.score(output, index, score),
    })),
  };
}
