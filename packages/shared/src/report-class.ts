import type { ClassReport } from './contracts/report.js';
import type { TrialRequest } from './contracts/trial.js';
import { invalidInput } from './errors.js';

type RequestedClass = Pick<
  Extract<TrialRequest['of'], { readonly kind: 'region' }>,
  'class' | 'index'
>;

/**
 * Class of a report by its name, and by its index where several have the name, as two of ImageNet are a "crane".
 *
 * @throws {AppError} `invalid_input` for a name or an index that no class has, and for the name alone of several.
 */
export function findClass(
  classes: readonly Pick<ClassReport, 'class'>[],
  { class: label, index }: RequestedClass,
): ClassReport['class'] {
  // The group of images without a class has a name, too, and no index.
  const named = classes
    .map((one) => one.class)
    .filter((one) => one.index !== null && one.label === label);
  if (named.length === 0)
    throw invalidInput(`of.class: Expected a class of the report, got '${label}'`);
  const [found, another] = named.filter((one) => index === undefined || one.index === index);
  if (found !== undefined && another === undefined) return found;
  const indices = named.map((one) => one.index).join(', ');
  throw invalidInput(
    `of.index: Expected the index of a class '${label}', one of ${indices}, got ${index ?? 'none'}`,
  );
}
