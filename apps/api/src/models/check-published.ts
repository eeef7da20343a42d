import { openEngine } from '@umbra/engine';
import { engineOptionsOf } from '@umbra/platform/config';
import { readModelCheck, writeModelCheck } from '@umbra/platform/store/model-checks';
import type { ObjectStore } from '@umbra/platform/store/store';
import type { DescribedBundle } from '@umbra/shared/contracts/model';
import { invalidInput, isRetryable, reportError } from '@umbra/shared/errors';
import { umbraVersion } from '@umbra/shared/version';
import type { ApiConfig } from '../config.js';

/** Files of a model that this process loads to try it, bytes together; larger ones run in workers alone. */
const maxTriedBytes = 256 * 1024 ** 2;

/**
 * Find whether a published model runs, once for each digest and version of Umbra: it is loaded, and
 * run on blank images.
 *
 * @param folder The bundle's.
 * @returns Why it does not run; null where it does, or where this process cannot tell.
 */
export async function checkPublished(
  store: ObjectStore,
  config: Readonly<ApiConfig>,
  folder: string,
  { bundle, digest }: DescribedBundle,
): Promise<string | null> {
  const model = { name: bundle.name, digest };
  const known = await readModelCheck(store, model);
  if (known !== null && (known.reason === null || known.umbraVersion === umbraVersion)) {
    return known.reason;
  }
  if (bundle.files.reduce((sum, { bytes }) => sum + bytes, 0) > maxTriedBytes) return null;
  // On the CPU, which every machine has; workers may have other providers.
  const options = { ...engineOptionsOf(config), provider: 'cpu', inferenceThreads: 1 } as const;
  const engine = openEngine(options);
  try {
    await engine.open(folder);
    await writeModelCheck(store, model, { version: 1, reason: null, umbraVersion });
    return null;
  } catch (error) {
    // What may pass by itself, such as a backend that is not installed here, says nothing of the model.
    if (isRetryable(error)) return null;
    const reason = reportError(error).message;
    await writeModelCheck(store, model, { version: 1, reason, umbraVersion });
    return reason;
  } finally {
    await engine.close();
  }
}

/** Refuse a model that was found not to run. @throws {AppError} `invalid_input` */
export async function assertRuns(
  store: ObjectStore,
  model: { readonly name: string; readonly digest: string },
): Promise<void> {
  const check = await readModelCheck(store, model);
  if (check === null || check.reason === null) return;
  throw invalidInput(`Expected a model that runs, got '${model.name}': ${check.reason}`);
}
