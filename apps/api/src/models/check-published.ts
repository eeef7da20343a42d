import { openIsolated } from '@umbra/engine';
import { engineOptionsOf } from '@umbra/platform/config';
import { readModelCheck, writeModelCheck } from '@umbra/platform/store/model-checks';
import type { ObjectStore } from '@umbra/platform/store/store';
import type { Logger } from '@umbra/platform/telemetry/logger';
import type { DescribedBundle } from '@umbra/shared/contracts/model';
import { invalidInput, isRetryable, reportError } from '@umbra/shared/errors';
import { umbraVersion } from '@umbra/shared/version';
import { type ApiConfig, modelMemoryOf } from '../config.js';

/** Files of a model that is tried here, bytes together; larger ones run in workers alone. */
const maxTriedBytes = 256 * 1024 ** 2;

/** A published bundle, and the folder that it came from. */
export type PublishedModel = DescribedBundle & { readonly folder: string };

export type PublishServices = {
  readonly store: ObjectStore;
  readonly config: Readonly<ApiConfig>;
  readonly logger: Logger;
};

/**
 * Find which published models run, one after the other, and log those that do not. Never rejects.
 *
 * @param signal Aborting it ends the check.
 */
export async function checkPublished(
  services: PublishServices,
  models: readonly PublishedModel[],
  signal: AbortSignal,
): Promise<void> {
  const { logger } = services;
  for (const model of models) {
    if (signal.aborted) return;
    const { digest } = model;
    const { name } = model.bundle;
    try {
      const reason = await checkOne(services, model, signal);
      if (reason !== null) logger.error({ name, digest, reason }, 'model does not run');
    } catch (error) {
      // The next start of an API checks it.
      logger.warn({ name, digest, error: reportError(error) }, 'model not checked');
    }
  }
}

/**
 * Find whether a model runs, once for each digest and version of Umbra: it is loaded, and run on a blank
 * image, in a process of its own.
 *
 * @returns Why it does not run; null where it does, or where that cannot be told here.
 */
async function checkOne(
  { store, config }: PublishServices,
  { bundle, digest, folder }: PublishedModel,
  signal: AbortSignal,
): Promise<string | null> {
  const model = { name: bundle.name, digest };
  const known = await readModelCheck(store, model);
  if (known !== null && (known.reason === null || known.umbraVersion === umbraVersion)) {
    return known.reason;
  }
  if (bundle.files.reduce((sum, { bytes }) => sum + bytes, 0) > maxTriedBytes) return null;
  // On the CPU, which every machine has; workers may have other providers.
  const options = { ...engineOptionsOf(config), provider: 'cpu', inferenceThreads: 1 } as const;
  const trial = { maxBytes: modelMemoryOf(config), signal };
  const reason = await openIsolated(folder, options, trial).then(
    () => null,
    (error: unknown) => {
      // Only what the engine reports is kept: a backend that is not installed here, or a process that was
      // killed or late, says nothing of the model.
      if (isRetryable(error)) throw error;
      return reportError(error).message;
    },
  );
  await writeModelCheck(store, model, { version: 1, reason, umbraVersion });
  return reason;
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
