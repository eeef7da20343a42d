import { readJsonLines } from '@umbra/platform/store/json';
import { keys } from '@umbra/platform/store/keys';
import type { ObjectStore } from '@umbra/platform/store/store';
import { createCache } from '@umbra/shared/cache';
import type { Dataset } from '@umbra/shared/contracts/dataset';
import { invalidInput, reportError } from '@umbra/shared/errors';
import type { Size } from '@umbra/shared/occlusion/grid';
import { z } from 'zod';

/** A manifest's line, as far as extents go: a million lines are read at once. */
const sizedItem = z.object({ height: z.int(), width: z.int() });
/** Distinct extents that are remembered. */
const maxKnownSizes = 10_000;

/**
 * Hold the photos of a ready dataset to what a job can run, where inputs vary in size.
 *
 * @param assertRuns Throws for the extent of a photo, px, that the job cannot run.
 * @returns What to tell if some images will fail; null if none will.
 * @throws {AppError} `invalid_input` if no image can be run.
 */
export async function checkSizes(
  store: ObjectStore,
  tenant: string,
  { id, images }: Pick<Dataset, 'id' | 'images'>,
  assertRuns: (photo: Size) => void,
): Promise<string | null> {
  const misfits = createCache<string | null>({ maxEntries: maxKnownSizes });
  let fitting = 0;
  let firstMisfit: string | null = null;
  const { body } = await store.stream(keys.manifest(tenant, id));
  for await (const { value } of readJsonLines(body, sizedItem)) {
    const { height, width } = value;
    const key = `${height}x${width}`;
    let misfit = misfits.get(key);
    if (misfit === undefined) {
      misfit = describeMisfit(() => assertRuns({ height, width }));
      misfits.set(key, misfit);
    }
    firstMisfit ??= misfit;
    if (misfit === null) fitting += 1;
  }
  if (firstMisfit === null) return null;
  const found = `${fitting} of ${images} images of dataset '${id}' can be run`;
  if (fitting > 0) return `${found}; the others will fail: ${firstMisfit}`;
  throw invalidInput(`Expected photos that the model can take: ${found}: ${firstMisfit}`);
}

function describeMisfit(assertRuns: () => void): string | null {
  try {
    assertRuns();
    return null;
  } catch (error) {
    return reportError(error).message;
  }
}
