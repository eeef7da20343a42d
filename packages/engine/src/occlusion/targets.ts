import type { ItemLabel } from '@umbra/shared/contracts/dataset';
import type { OcclusionSettings } from '@umbra/shared/contracts/settings';
import { invalidInput } from '@umbra/shared/errors';

type TargetSettings = OcclusionSettings['target'];
type ClassTarget = Extract<TargetSettings, { kind: 'class' }>;

/**
 * Find the classes that a run watches, in order.
 *
 * @param rank Gives the `k` most probable classes of the unoccluded image.
 * @param label The image's label in its dataset, if it has one.
 * @throws {AppError} `invalid_input` if the model has no such class, or the image no label.
 */
export function targetIndices(
  target: TargetSettings,
  rank: (k: number) => number[],
  labels: readonly string[],
  label?: ItemLabel,
): number[] {
  assertTarget(target, labels);
  switch (target.kind) {
    case 'predicted':
      return rank(1);
    case 'top':
      return rank(target.k);
    case 'label':
      return [labelIndex(label, labels)];
    case 'class':
      return [targetIndex(target, labels)];
  }
}

/** Check a target as far as can be without an image. @throws {AppError} `invalid_input` */
export function assertTarget(target: TargetSettings, labels: readonly string[]): void {
  if (target.kind === 'class') targetIndex(target, labels);
  if (target.kind === 'top' && target.k > labels.length) {
    throw invalidInput(
      `Expected target.k to be at most the model's ${labels.length} classes, got ${target.k}`,
    );
  }
}

function labelIndex(label: ItemLabel | undefined, labels: readonly string[]): number {
  if (label === undefined) {
    throw invalidInput("Expected the image to have a label in its dataset, for target 'label'");
  }
  return targetIndex(
    typeof label === 'number' ? { kind: 'class', index: label } : { kind: 'class', name: label },
    labels,
    'the label',
  );
}

/** @throws {AppError} `invalid_input` if the model has no such class. */
function targetIndex(target: ClassTarget, labels: readonly string[], what = 'target'): number {
  const where = (field: string) => (what === 'target' ? `target.${field}` : what);
  if ('index' in target) {
    if (target.index < labels.length) return target.index;
    throw invalidInput(
      `Expected ${where('index')} to be below ${labels.length}, got ${target.index}`,
    );
  }
  const wanted = target.name.toLowerCase();
  const index = labels.findIndex((label) => label.toLowerCase() === wanted);
  if (index >= 0) return index;
  const similar = labels.filter((label) => label.toLowerCase().includes(wanted)).slice(0, 3);
  const hint = similar.length > 0 ? `; did you mean ${similar.join(', ')}?` : '';
  throw invalidInput(
    `Expected ${where('name')} to be a class of the model, got '${target.name}'${hint}`,
  );
}
