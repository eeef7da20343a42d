import { getJson } from '@umbra/platform/store/json';
import { keys } from '@umbra/platform/store/keys';
import type { ObjectStore } from '@umbra/platform/store/store';
import { errorReport } from '@umbra/shared/contracts/dataset';
import type { Reference } from '@umbra/shared/contracts/reference';
import type { ImageState, ImageStatus } from '@umbra/shared/contracts/result';
import { type AppError, hasCode, notFound } from '@umbra/shared/errors';

type StoredState = {
  readonly state: Exclude<ImageState, 'running'>;
  readonly error: ImageStatus['error'];
};

/** Read the state of one image of a job from the store, which does not know of those that run. */
export async function readImageState(
  store: ObjectStore,
  { tenant, id }: Reference,
  image: string,
): Promise<StoredState> {
  if ((await store.head(keys.result(tenant, id, image, 'result.json'))) !== null) {
    return { state: 'completed', error: null };
  }
  try {
    const error = await getJson(store, keys.error(tenant, id, image), errorReport);
    return { state: 'failed', error };
  } catch (error) {
    if (hasCode(error, 'not_found')) return { state: 'pending', error: null };
    throw error;
  }
}

/** Make the `not_found` error that explains why an image of a job has no results. */
export async function missingResultError(
  store: ObjectStore,
  job: Reference,
  image: string,
): Promise<AppError> {
  const { state, error } = await readImageState(store, job, image);
  const reason = state === 'failed' ? `failed: ${error?.message}` : 'has no results yet';
  return notFound(`Image '${image}' of job '${job.id}' ${reason}`);
}
