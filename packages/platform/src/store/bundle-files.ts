import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type DescribedBundle, type ModelBundle, parseBundle } from '@umbra/shared/contracts/model';
import type { ModelReference } from '@umbra/shared/contracts/reference';
import { hasCode, integrity } from '@umbra/shared/errors';
import { keys } from './keys.js';
import type { ObjectStore } from './store.js';

/** File of a bundle that lists all others. */
export const description = 'bundle.json';

/** Who has a stored model: a tenant, or the service (null), which shares it with all. */
export type ModelOwner = string | null;

type Version = { readonly name: string; readonly digest: string };

const fileKey = (owner: ModelOwner, { name, digest }: Version, path: string): string =>
  owner === null
    ? keys.modelFile(name, digest, path)
    : keys.ownModelFile({ tenant: owner, name, digest }, path);

/** Put a bundle's files into the store; safe to repeat. @param folder The bundle's, verified by the caller. */
export async function putBundle(
  store: ObjectStore,
  owner: ModelOwner,
  folder: string,
  { bundle, digest }: DescribedBundle,
): Promise<void> {
  const keyOf = (path: string) => fileKey(owner, { name: bundle.name, digest }, path);
  if ((await store.head(keyOf(description))) !== null) return;
  for (const { path } of bundle.files) {
    await store.putStream(keyOf(path), createReadStream(join(folder, path)));
  }
  // The description last: where it stands, all files do.
  await store.put(keyOf(description), await readFile(join(folder, description)));
}

/** A stored bundle: its description, parsed and as it is, and where its files are. */
export type StoredBundle = {
  readonly bundle: ModelBundle;
  readonly text: Buffer;
  readonly keyOf: (path: string) => string;
};

/**
 * Find a version of a model among the service's and the tenant's own. The digest is that of the description,
 * which lists the sha256 of every file: under either owner it is the same bytes, and whose comes first is all one.
 *
 * @throws {AppError} `not_found`; `integrity` if the description is not what the digest says.
 */
export async function readStoredBundle(
  store: ObjectStore,
  { tenant, ...version }: ModelReference,
): Promise<StoredBundle> {
  const read = (owner: ModelOwner) => readBundleOf(store, owner, version);
  return read(null).catch((error: unknown) => {
    if (!hasCode(error, 'not_found')) throw error;
    return read(tenant);
  });
}

async function readBundleOf(
  store: ObjectStore,
  owner: ModelOwner,
  version: Version,
): Promise<StoredBundle> {
  const keyOf = (path: string) => fileKey(owner, version, path);
  const key = keyOf(description);
  const text = await store.get(key);
  const found = createHash('sha256').update(text).digest('hex');
  if (found !== version.digest) {
    throw integrity(`Expected '${key}' to have sha256 ${version.digest}, got ${found}`);
  }
  return { bundle: parseBundle(text, key), text, keyOf };
}
