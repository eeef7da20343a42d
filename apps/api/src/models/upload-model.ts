import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  addModel,
  checkIsolated,
  describeIsolated,
  possibleDigests,
  readBundle,
  type StagedModel,
} from '@umbra/engine';
import { isOfService } from '@umbra/platform/store/models';
import {
  listOwnVersions,
  publishOwnModel,
  readOwnModel,
  useOwnVersion,
} from '@umbra/platform/store/own-models';
import { makeTemporaryFolder, removeDeadFolders } from '@umbra/platform/temporary-folders';
import { AppError, hasCode } from '@umbra/shared/errors';
import { modelMemoryOf } from '../config.js';
import { receiveBody, type Upload } from '../http/receive-body.js';
import type { ApiServices } from '../services.js';
import { labelsFile, modelFile, otherPartsBytes, receiveModel } from './receive-model.js';

export type UploadModelServices = Pick<ApiServices, 'store' | 'config' | 'turns' | 'logger'>;

/** A model that a tenant has uploaded, and whether it had the same one before. */
export type UploadedModel = {
  readonly name: string;
  readonly digest: string;
  readonly isKnown: boolean;
};

/**
 * Receive a model, check it in a process of its own, and make it the tenant's own: all of it, or nothing. One that
 * the tenant has already is not checked again.
 *
 * @throws {AppError} `invalid_input` for a form or a file that is not as it should be; `unprocessable` for a model that
 *   fails its check; `conflict` for a name of the service's; `too_large`; `quota_exceeded`; `unavailable`.
 * @throws The signal's reason: nothing is kept for a client that left before the check had ended.
 */
export async function uploadModel(
  services: UploadModelServices,
  upload: Upload,
): Promise<UploadedModel> {
  // What a killed process left may be as large as this model.
  await removeDeadFolders().catch(() => undefined);
  const folder = await makeTemporaryFolder('upload');
  try {
    const staged = await receiveStaged(services, upload, folder);
    return (
      (await useKnown(services, upload.tenant, staged)) ??
      (await publishChecked(services, upload, { folder, staged }))
    );
  } catch (error) {
    throw withoutFolder(error, folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Receive a model's parts into a folder, and describe them as a bundle. */
async function receiveStaged(
  services: UploadModelServices,
  upload: Upload,
  folder: string,
): Promise<StagedModel> {
  const { store, config } = services;
  const { request, signal } = upload;
  const maxBytes = config.UMBRA_MAX_MODEL_MB * 1024 ** 2 + otherPartsBytes;
  const onBytes = services.turns.models.moved;
  const { claims, hasLabels } = await receiveBody(
    services,
    { ...upload, maxBytes, onBytes },
    (body) => receiveModel(request, body, folder),
  );
  const { name } = claims;
  if (await isOfService(store, name)) {
    throw new AppError(
      'conflict',
      `Expected a name that no model of the service has, got '${name}'`,
    );
  }
  const stated = { source: 'uploaded', ...claims, ...(hasLabels && { labels: labelsFile }) };
  const trial = { ...limitsOf(config), signal };
  const describing = describeIsolated(folder, modelFile, stated, trial);
  return whileMoving(services, describing).catch((error: unknown) => {
    // The file is the client's, and so is its damage.
    if (hasCode(error, 'integrity') || hasCode(error, 'invalid_input')) {
      throw new AppError('invalid_input', inFields(error.message), { cause: error });
    }
    throw error;
  });
}

const limitsOf = (config: UploadModelServices['config']) => ({
  deadlineMs: config.UMBRA_MODEL_CHECK_SECONDS * 1_000,
  maxBytes: modelMemoryOf(config),
});

/** Find the version that the tenant has of the same bytes, and make it the current one. */
async function useKnown(
  { store }: UploadModelServices,
  tenant: string,
  staged: StagedModel,
): Promise<UploadedModel | null> {
  const { name } = staged.bundle;
  const digests = possibleDigests(staged);
  const versions = await listOwnVersions(store, { tenant, name });
  const known = versions.find(({ digest }) => digests.includes(digest));
  if (known === undefined) return null;
  const own = await readOwnModel(store, known);
  if (own?.digest !== known.digest) await useOwnVersion(store, known);
  return { name, digest: known.digest, isKnown: true };
}

async function publishChecked(
  services: UploadModelServices,
  { tenant, signal }: Upload,
  { folder, staged }: { readonly folder: string; readonly staged: StagedModel },
): Promise<UploadedModel> {
  const { store, config, logger } = services;
  const versions = await listOwnVersions(store, { tenant });
  const limit = config.UMBRA_MAX_MODELS;
  if (versions.length >= limit) {
    throw new AppError(
      'quota_exceeded',
      `Beyond the quota of models: at most ${limit}, of which ${versions.length} are used, every version counted; delete one that is not needed`,
    );
  }
  const check = (bundled: string) => checkIsolated(bundled, { ...limitsOf(config), signal });
  const adding = addModel(join(folder, 'checked'), staged, { check });
  const added = await whileMoving(services, adding).catch((error: unknown) => {
    if (!hasCode(error, 'invalid_input')) throw error;
    throw new AppError('unprocessable', error.message, { cause: error });
  });
  signal.throwIfAborted();
  const described = await readBundle(added.folder);
  const { digest } = described;
  const { name } = described.bundle;
  const abandonedMs = config.UMBRA_ABANDONED_MS;
  await publishOwnModel(store, described, { tenant, folder: added.folder, abandonedMs });
  logger.info({ tenant, name, digest }, 'model uploaded');
  return { name, digest, isKnown: false };
}

const movedMs = 5_000;

/** Wait for a trial, which has a deadline of its own, and so does not count as stalled. */
async function whileMoving<T>(
  { turns }: Pick<UploadModelServices, 'turns'>,
  trial: Promise<T>,
): Promise<T> {
  const timer = setInterval(turns.models.moved, movedMs);
  return trial.finally(() => clearInterval(timer));
}

/** Fields of the description, where the engine has names of flags. */
const fields: Readonly<Record<string, string>> = { 'input HEIGHTxWIDTH': 'size' };

/** Call the claims of a message as the description does: `--output-name` is `outputName`. */
const inFields = (message: string): string =>
  message.replaceAll(
    /--(input HEIGHTxWIDTH|[a-z]+(?:-[a-z]+)*)/g,
    (_, flag: string) =>
      fields[flag] ?? flag.replaceAll(/-[a-z]/g, ([, letter = '']) => letter.toUpperCase()),
  );

/** Where this machine keeps the files is no client's business. */
function withoutFolder(error: unknown, folder: string): unknown {
  if (!(error instanceof AppError) || !error.message.includes(folder)) return error;
  const message = error.message
    .replaceAll(`${folder}/`, '')
    .replaceAll(/checked\/\.[0-9a-f-]{36}\//g, '');
  return new AppError(error.code, message, { cause: error });
}
