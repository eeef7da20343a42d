import { randomUUID } from 'node:crypto';
import { link, mkdir, open, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { unavailable } from '@umbra/shared/errors';
import { z } from 'zod';
import { isAbsent, isSystemError, reading, writing } from './fs-errors.js';

/** Names a folder as a store: where it is missing, the store's volume is away. */
export const markerName = 'umbra-store.json';
/** Holds half-written objects; on the root's own filesystem, so that a rename is atomic. */
export const scratch = '.tmp';

const marker = z.object({ version: z.literal(1), id: z.uuid() });

export type FsRootOptions = {
  /**
   * Asked where there is no marker, before this process has seen one: whether there may be a new store.
   *
   * @throws {AppError} `unavailable` if there may not: what was stored lies elsewhere.
   */
  readonly permitNew?: () => Promise<void>;
  /**
   * Asked whenever the marker was read: whether the store with this id is the one that is meant.
   *
   * @throws {AppError} `unavailable` if it is not.
   */
  readonly admit?: (id: string) => Promise<void>;
};

/** The folder of a store, and whether it is there. */
export type FsRoot = {
  /**
   * Make the folder and its marker, or adopt a store that has none. Only where that is permitted, and
   * until this process has seen the marker: an empty mount point does not become a new store.
   *
   * @throws {AppError} `unavailable`
   */
  open(): Promise<void>;
  /** @throws {AppError} `unavailable` if the store is away, or another is in its place. */
  assertPresent(): Promise<void>;
  /** As `assertPresent`, until this process has seen the store: what is read first may be another's. */
  assertSeen(): Promise<void>;
};

export function openFsRoot(root: string, { permitNew, admit }: FsRootOptions = {}): FsRoot {
  let seen: string | undefined;
  /** @returns Whether there is a store. @throws {AppError} `unavailable` if it is not the one that was seen. */
  const find = async (): Promise<boolean> => {
    const id = await readMarker(root);
    if (id === null) return false;
    if (seen !== undefined && id !== seen) throw another(id, seen);
    await admit?.(id);
    seen = id;
    return true;
  };
  /** @returns Whether the store is there. @throws {AppError} `unavailable` unless it may be a new one. */
  const isPresent = async (): Promise<boolean> => {
    if (await find()) return true;
    if (seen !== undefined) throw away();
    await permitNew?.();
    return false;
  };
  const assertPresent = async () => {
    // Before it was first seen, a store may be new, or of a version without markers.
    await isPresent();
  };
  return {
    assertPresent,
    async assertSeen() {
      if (seen === undefined) await assertPresent();
    },
    async open() {
      if (await isPresent()) return;
      await writing(markerName, () => writeMarker(root));
      await find();
    },
  };
}

const away = () =>
  unavailable(`Expected '${markerName}' in the store's folder, got none: is its volume mounted?`);

const another = (id: string, seen: string) =>
  unavailable(
    `Expected '${markerName}' of store ${seen} in the store's folder, as this process found it, got that of ${id}: is its volume mounted? If ${id} is meant, see docs/operations/data.md and restart every process`,
  );

/** @returns The store's id; null without a marker. @throws {AppError} `unavailable` if it cannot be read, or is none. */
async function readMarker(root: string): Promise<string | null> {
  const text = await readFile(join(root, markerName), 'utf8').catch((error: unknown) => {
    if (isAbsent(error)) return null;
    return reading(markerName, () => Promise.reject(error));
  });
  if (text === null) return null;
  try {
    return marker.parse(JSON.parse(text)).id;
  } catch (error) {
    throw unavailable(`Expected a version and an id in the store's '${markerName}'`, error);
  }
}

/** Processes that start at once agree on one id: whoever links its marker first gives it. */
async function writeMarker(root: string): Promise<void> {
  await makeFolder(join(root, scratch));
  const temporary = join(root, scratch, randomUUID());
  try {
    const text = `${JSON.stringify({ version: 1, id: randomUUID() })}\n`;
    await writeFile(temporary, text, { flag: 'wx', flush: true });
    await link(temporary, join(root, markerName)).catch(unlessThere);
  } finally {
    await rm(temporary, { force: true });
  }
}

/**
 * Make a folder and those above it. Not `mkdir`'s own recursion, which never ends where nothing can be
 * made (in `/proc`).
 *
 * @param below A folder that is not made, nor what is above it; none unless given.
 */
export async function makeFolder(path: string, below?: string): Promise<void> {
  const make = async () => {
    try {
      await mkdir(path);
      await syncFolder(dirname(path));
    } catch (error) {
      unlessThere(error);
    }
  };
  try {
    await make();
  } catch (error) {
    const isTop = dirname(path) === path || dirname(path) === below;
    if (!isSystemError(error) || error.code !== 'ENOENT' || isTop) throw error;
    await makeFolder(dirname(path), below);
    await make();
  }
}

function unlessThere(error: unknown): undefined {
  if (!isSystemError(error) || error.code !== 'EEXIST') throw error;
}

/** A name lasts beyond a crash of the machine once its folder is on the disk. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
