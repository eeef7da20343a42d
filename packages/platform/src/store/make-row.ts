import { errorReport } from '@umbra/shared/contracts/dataset';
import type { Reference } from '@umbra/shared/contracts/reference';
import { imageResult } from '@umbra/shared/contracts/result';
import { completedRow, failedRow, type StoredRow } from '@umbra/shared/contracts/row';
import { hasCode } from '@umbra/shared/errors';
import { getJson } from './json.js';
import { keys } from './keys.js';
import type { ObjectStore } from './store.js';

/** A job's attempt, by which its rows are told from those of an earlier one. */
export type JobAttempt = Reference & { readonly attempt: number };

/** How an image ended. */
export type ImageEnding = {
  readonly state: StoredRow['state'];
  /** Time that a finished one took; null where that is not known any more. */
  readonly seconds?: number | null;
};

/**
 * Make the row of an image that has ended from what the store has of it.
 *
 * @returns One line of JSON; null where that is gone or damaged, which shows when it is archived.
 */
export async function makeRow(
  store: ObjectStore,
  { tenant, id, attempt }: JobAttempt,
  image: string,
  { state, seconds = null }: ImageEnding,
): Promise<string | null> {
  try {
    if (state === 'failed') {
      const error = await getJson(store, keys.error(tenant, id, image), errorReport);
      return JSON.stringify(failedRow(attempt, image, error));
    }
    const result = await getJson(store, keys.result(tenant, id, image, 'result.json'), imageResult);
    return JSON.stringify(completedRow(attempt, result, seconds));
  } catch (error) {
    if (hasCode(error, 'not_found') || hasCode(error, 'integrity')) return null;
    throw error;
  }
}
