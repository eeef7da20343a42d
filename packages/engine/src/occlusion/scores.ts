import {
  type CleanRun,
  invalidInput,
  type ModelBundle,
  type OcclusionSettings,
} from '@umbra/shared';

/** Softmax of one row, summed in float64 after the largest is taken off, so that it cannot overflow. */
export function softmaxAt(row: Float32Array, index: number): number {
  let largest = Number.NEGATIVE_INFINITY;
  for (const value of row) largest = Math.max(largest, value);
  let sum = 0;
  for (const value of row) sum += Math.exp(value - largest);
  return Math.exp((row[index] ?? Number.NaN) - largest) / sum;
}

/**
 * One class's score in the requested unit.
 *
 * @param row The model's output for one image, [classes].
 */
export function scoreOf(
  row: Float32Array,
  index: number,
  score: OcclusionSettings['score'],
  output: ModelBundle['output'],
): number {
  const value = row[index] ?? Number.NaN;
  return score === 'logit' || output === 'probabilities' ? value : softmaxAt(row, index);
}

/** @throws {AppError} `invalid_input` if the model has no logits to give. */
export function assertScore(score: OcclusionSettings['score'], bundle: ModelBundle): void {
  if (score === 'logit' && bundle.output === 'probabilities') {
    throw invalidInput(
      `Expected score 'probability', since model '${bundle.name}' gives probabilities, got 'logit'`,
    );
  }
}

/**
 * Which class is watched, and what the model says of the unoccluded image.
 *
 * @param row The model's output for the clean image, [classes].
 * @throws {AppError} `invalid_input` if the model has no such class; `integrity` if it gives NaN.
 */
export function describeClean(
  row: Float32Array,
  labels: readonly string[],
  settings: OcclusionSettings,
  bundle: ModelBundle,
): CleanRun {
  const winner = argmax(row);
  const index =
    settings.target.kind === 'predicted' ? winner : targetIndex(settings.target, labels);
  const describe = (at: number) => ({ index: at, label: labels[at] ?? `class ${at}` });
  const probability = scoreOf(row, winner, 'probability', bundle.output);
  return {
    target: describe(index),
    predicted: { ...describe(winner), probability },
    score: scoreOf(row, index, settings.score, bundle.output),
  };
}

type ClassTarget = Extract<OcclusionSettings['target'], { kind: 'class' }>;

/** @throws {AppError} `invalid_input` if the model has no such class. */
export function targetIndex(target: ClassTarget, labels: readonly string[]): number {
  if ('index' in target) {
    if (target.index < labels.length) return target.index;
    throw invalidInput(`Expected target.index to be below ${labels.length}, got ${target.index}`);
  }
  const wanted = target.name.toLowerCase();
  const index = labels.findIndex((label) => label.toLowerCase() === wanted);
  if (index >= 0) return index;
  const similar = labels.filter((label) => label.toLowerCase().includes(wanted)).slice(0, 3);
  const hint = similar.length > 0 ? `; did you mean ${similar.join(', ')}?` : '';
  throw invalidInput(
    `Expected target.name to be a class of the model, got '${target.name}'${hint}`,
  );
}

function argmax(row: Float32Array): number {
  let best = 0;
  for (let index = 1; index < row.length; index++) {
    if ((row[index] ?? 0) > (row[best] ?? 0)) best = index;
  }
  return best;
}
