import { sha256 } from '@umbra/shared/contracts/dataset';
import { type DescribedBundle, modelBundle } from '@umbra/shared/contracts/model';
import type { ModelReference } from '@umbra/shared/contracts/reference';
import { hasCode } from '@umbra/shared/errors';
import { z } from 'zod';
import { description, putBundle } from './bundle-files.js';
import { deleteAll, deleteFolder } from './delete-all.js';
import { getJson, putJson } from './json.js';
import { matchKey } from './key-layout.js';
import { keys } from './keys.js';
import { holdMarker } from './markers.js';
import type { ObjectStore } from './store.js';

/** Record of a model that a tenant uploaded: which of its versions is in use. */
const ownModel = z.object({
  version: z.literal(1),
  digest: sha256,
  uploadedAt: z.iso.datetime(),
});
export type OwnModel = z.output<typeof ownModel>;

/** Names a tenant's model. */
export type OwnModelName = { readonly tenant: string; readonly name: string };

/** Read the record of a tenant's own model; null where it has none of the name. */
export async function readOwnModel(
  store: ObjectStore,
  { tenant, name }: OwnModelName,
): Promise<OwnModel | null> {
  // Another name could be a path into a bundle.
  if (!modelBundle.shape.name.safeParse(name).success) return null;
  return getJson(store, keys.ownModel(tenant, name), ownModel).catch((error: unknown) => {
    if (hasCode(error, 'not_found')) return null;
    throw error;
  });
}

export async function listOwnNames(store: ObjectStore, tenant: string): Promise<string[]> {
  const names: string[] = [];
  for await (const { key } of store.list(keys.ownModels(tenant))) {
    const found = matchKey('ownModel', key);
    if (found !== null) names.push(found.name);
  }
  return names;
}

/** List every whole version of a tenant's models, or of one of them, those that were replaced included. */
export async function listOwnVersions(
  store: ObjectStore,
  { tenant, name }: { readonly tenant: string; readonly name?: string },
): Promise<ModelReference[]> {
  const folder = name === undefined ? keys.ownModels(tenant) : keys.ownModelFiles(tenant, name);
  const versions: ModelReference[] = [];
  for await (const { key } of store.list(folder)) {
    const found = matchKey('ownModelFile', key);
    if (found?.path !== description) continue;
    versions.push({ tenant: found.tenant, name: found.name, digest: found.digest });
  }
  return versions;
}

export type PublishOwnOptions = {
  readonly tenant: string;
  /** The bundle's folder, which the caller has verified and checked. */
  readonly folder: string;
  /** Time without a sign of life after which the sweep takes what was written, ms. */
  readonly abandonedMs: number;
};

/**
 * Put a bundle into the store as a tenant's own model, in the place of what has its name. Versions that were
 * replaced stay for the jobs that name them. Safe to repeat; what a process that dies has written is marked, and
 * the sweep takes it.
 */
export async function publishOwnModel(
  store: ObjectStore,
  described: DescribedBundle,
  { tenant, folder, abandonedMs }: PublishOwnOptions,
): Promise<void> {
  const { digest } = described;
  const { name } = described.bundle;
  await endDeletion(store, { tenant, name });
  const marker = await holdMarker(store, keys.modelUpload(tenant, name, digest), { abandonedMs });
  try {
    await putBundle(store, tenant, folder, described);
    marker.assertAlive();
    await useOwnVersion(store, { tenant, name, digest });
    await marker.remove();
  } finally {
    marker.leave();
  }
}

/** Make a stored version the current one of its name. */
export const useOwnVersion = (
  store: ObjectStore,
  { tenant, name, digest }: ModelReference,
): Promise<void> =>
  putJson(store, keys.ownModel(tenant, name), {
    version: 1,
    digest,
    uploadedAt: new Date().toISOString(),
  } satisfies OwnModel);

/** What a deletion left must not count as part of a new model, nor its sweep take that one. */
async function endDeletion(store: ObjectStore, { tenant, name }: OwnModelName): Promise<void> {
  const marker = keys.deletedModel(tenant, name);
  if ((await store.head(marker)) === null) return;
  await removeDeleted(store, { tenant, name });
  await store.delete(marker);
}

/** Delete a tenant's own model with all of its versions. */
export const deleteOwnModel = (store: ObjectStore, { tenant, name }: OwnModelName): Promise<void> =>
  deleteAll(store, keys.ownModelFiles(tenant, name), {
    description: keys.ownModel(tenant, name),
    marker: keys.deletedModel(tenant, name),
  });

/** Delete what is left of a deleted model, unless there is a new one of its name. */
export async function removeDeleted(
  store: ObjectStore,
  { tenant, name }: OwnModelName,
  signal?: AbortSignal,
): Promise<void> {
  if ((await store.head(keys.ownModel(tenant, name))) !== null) return;
  await deleteFolder(store, keys.ownModelFiles(tenant, name), signal);
}

/**
 * End an upload whose process is gone. A version without its description is deleted; a whole one, which counts as the
 * tenant's, becomes that of its name where there is none, so that it can be seen, used and deleted. An upload or a
 * deletion that goes on meanwhile wins.
 */
export async function endUpload(
  store: ObjectStore,
  model: ModelReference,
  signal?: AbortSignal,
): Promise<void> {
  const { tenant, name, digest } = model;
  if ((await store.head(keys.ownModelFile(model, description))) === null) {
    await deleteFolder(store, keys.ownModelVersion(tenant, name, digest), signal);
    return;
  }
  if ((await store.head(keys.ownModel(tenant, name))) === null) await nameNewest(store, model);
}

/**
 * Make the newest whole version the current one of its name. Others have their description, or their marker, in the
 * store before they touch the record: whoever wrote it between a look and a write is found by the next look.
 */
async function nameNewest(store: ObjectStore, { tenant, name }: OwnModelName): Promise<void> {
  let named: string | null = null;
  for (;;) {
    const newest = await findNewest(store, { tenant, name });
    if (newest === named) return;
    if (newest !== null) await useOwnVersion(store, { tenant, name, digest: newest });
    else if ((await readOwnModel(store, { tenant, name }))?.digest === named) {
      await store.delete(keys.ownModel(tenant, name));
    }
    named = newest;
  }
}

/** @returns The digest of the newest whole version; null where there is none, or a deletion has yet to take it. */
async function findNewest(
  store: ObjectStore,
  { tenant, name }: OwnModelName,
): Promise<string | null> {
  let newest: { readonly digest: string; readonly modifiedMs: number } | null = null;
  for await (const { key, modifiedMs } of store.list(keys.ownModelFiles(tenant, name))) {
    const found = matchKey('ownModelFile', key);
    if (found?.path !== description) continue;
    if (newest !== null && newest.modifiedMs > modifiedMs) continue;
    newest = { digest: found.digest, modifiedMs };
  }
  const isDeleted = (await store.head(keys.deletedModel(tenant, name))) !== null;
  return isDeleted ? null : (newest?.digest ?? null);
}
