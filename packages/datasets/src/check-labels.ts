import { createClassFinder } from '@umbra/engine';
import { readJsonLines } from '@umbra/platform/store/json';
import { keys } from '@umbra/platform/store/keys';
import type { ObjectStore } from '@umbra/platform/store/store';
import { createCache } from '@umbra/shared/cache';
import { type Dataset, itemLabel } from '@umbra/shared/contracts/dataset';
import { invalidInput, reportError } from '@umbra/shared/errors';
import { z } from 'zod';

/** A model as far as labels go. */
export type LabelledModel = {
  readonly name: string;
  /** Class names in the order of its output; undefined where it has none. */
  readonly classNames: readonly string[] | undefined;
};

/** A manifest's line, as far as labels go: a million lines are read at once. */
const labelledItem = z.object({ label: itemLabel.optional() });
/** Distinct labels that are remembered. */
const maxKnownLabels = 10_000;

/**
 * Hold a ready dataset's labels to a model's classes, as a job needs whose target is `label`.
 *
 * @returns What to tell if some images have no label that fits, and will fail; null if all have.
 * @throws {AppError} `invalid_input` if no image has a label that fits.
 */
export async function checkLabels(
  store: ObjectStore,
  tenant: string,
  { id, images, labelled }: Pick<Dataset, 'id' | 'images' | 'labelled'>,
  { name, classNames }: LabelledModel,
): Promise<string | null> {
  const find = createClassFinder(classNames);
  const misfits = createCache<string | null>({ maxEntries: maxKnownLabels });
  let fitting = 0;
  let firstMisfit: string | null = null;
  const { body } = await store.stream(keys.manifest(tenant, id));
  for await (const { value } of readJsonLines(body, labelledItem)) {
    const { label } = value;
    if (label === undefined) continue;
    const key = `${typeof label} ${label}`;
    let misfit = misfits.get(key);
    if (misfit === undefined) {
      misfit = describeMisfit(() => find(label, 'the label'));
      misfits.set(key, misfit);
    }
    firstMisfit ??= misfit;
    if (misfit === null) fitting += 1;
  }
  if (fitting === images) return null;
  const found = `${fitting} of ${images} images of dataset '${id}' have a label that is a class of model '${name}'`;
  const reason = firstMisfit ?? `${images - labelled} have no label`;
  if (fitting > 0) return `${found}; the others will fail: ${reason}`;
  throw invalidInput(`Expected labels, for target 'label': ${found}: ${reason}`);
}

function describeMisfit(find: () => number): string | null {
  try {
    find();
    return null;
  } catch (error) {
    return reportError(error).message;
  }
}
