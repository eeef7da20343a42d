import { existsSync } from 'node:fs';
import { readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256 } from '@umbra/shared/contracts/dataset';
import type { ModelReference } from '@umbra/shared/contracts/reference';
import { fetchModel } from './models.js';
import type { ObjectStore } from './store.js';

/** Stored models on this machine's disk. Processes may share the folder. */
export type ModelDisk = {
  /**
   * Bring a model here, once for all who ask meanwhile. Its folder stays for ten minutes after the last time that it
   * was asked for.
   *
   * @returns The bundle's folder, whose files were verified when they arrived.
   * @throws {AppError} As `fetchModel`.
   */
  get(model: ModelReference): Promise<string>;
};

export type ModelDiskOptions = {
  readonly folder: string;
  /** Size of all models together from which on those go that were not asked for longest. */
  readonly maxBytes: number;
};

/** Whoever asked for a folder may still be reading it. */
const inUseMs = 600_000;

export function createModelDisk(
  store: ObjectStore,
  { folder, maxBytes }: ModelDiskOptions,
): ModelDisk {
  const fetching = new Map<string, Promise<string>>();
  const bring = async (model: ModelReference): Promise<string> => {
    const isNew = !existsSync(join(folder, model.name, model.digest));
    const path = await fetchModel(store, model, folder);
    const now = new Date();
    await utimes(path, now, now);
    // A folder that stays for now is tried again with the next model.
    if (isNew) await removeOldest(folder, maxBytes).catch(() => undefined);
    return path;
  };
  return {
    get(model) {
      // With the tenant: a wait for what another one has would end with its failure.
      const key = `${model.tenant}/${model.name}/${model.digest}`;
      const known = fetching.get(key);
      if (known !== undefined) return known;
      const begun = bring(model).finally(() => fetching.delete(key));
      // Nobody may be left to hear of its failure.
      begun.catch(() => undefined);
      fetching.set(key, begun);
      return begun;
    },
  };
}

async function removeOldest(folder: string, maxBytes: number): Promise<void> {
  const models = await listFolders(folder);
  models.sort((one, other) => one.usedMs - other.usedMs);
  let bytes = models.reduce((sum, one) => sum + one.bytes, 0);
  for (const { path, bytes: freed, usedMs } of models) {
    if (bytes <= maxBytes || usedMs > Date.now() - inUseMs) return;
    // Out of the way in one step: nobody finds half of it.
    const old = join(folder, `.old-${freed}-${process.pid}-${Date.now()}`);
    await rename(path, old);
    await rm(old, { recursive: true, force: true });
    bytes -= freed;
  }
}

type ModelFolder = { readonly path: string; readonly bytes: number; readonly usedMs: number };

async function listFolders(folder: string): Promise<ModelFolder[]> {
  const found: ModelFolder[] = [];
  for (const name of await readdir(folder)) {
    for (const digest of await readdir(join(folder, name)).catch(() => [])) {
      if (!sha256.safeParse(digest).success) continue;
      const path = join(folder, name, digest);
      const { mtimeMs } = await stat(path);
      found.push({ path, bytes: await sizeOf(path), usedMs: mtimeMs });
    }
  }
  return found;
}

async function sizeOf(folder: string): Promise<number> {
  let bytes = 0;
  for (const path of await readdir(folder, { recursive: true })) {
    const info = await stat(join(folder, path));
    if (info.isFile()) bytes += info.size;
  }
  return bytes;
}
