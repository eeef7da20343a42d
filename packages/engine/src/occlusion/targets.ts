import type { ItemLabel } from '@umbra/shared/contracts/dataset';
import type { OcclusionSettings } from '@umbra/shared/contracts/settings';
import { invalidInput } from '@umbra/shared/errors';
import { createClassFinder } from './class-names.js';

type TargetSettings = OcclusionSettings['target'];
type ClassTarget = Extract<TargetSettings, { kind: 'class' }>;

/**
 * Find the classes that a run watches, in order.
 *
 * @param rank Gives the `k` most probable classes of the unoccluded image.
 * @param label The image's label in its dataset, if it has one.
 * @throws {AppError} `invalid_input` if the model has no such class or several, or the image no label.
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
  return createClassFinder(labels)(label, 'the label');
}

/** @throws {AppError} `invalid_input` if the model has no such class, or several. */
const targetIndex = (target: ClassTarget, labels: readonly string[]): number =>
  createClassFinder(labels)('index' in target ? target.index : target.name);
