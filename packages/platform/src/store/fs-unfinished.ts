import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { invalidInput } from '@umbra/shared/errors';
import { isSystemError, reading } from './fs-errors.js';
import type { UnfinishedWrite } from './store.js';

/** Files of a store's scratch folder that nothing was written to since a time. */
export async function* listUnfinished(
  folder: string,
  beforeMs: number,
): AsyncGenerator<UnfinishedWrite> {
  for (const id of await reading('.tmp', () => orEmpty(readdir(folder)))) {
    const [found] = await reading('.tmp', () =>
      orEmpty(stat(join(folder, id)).then((one) => [one])),
    );
    if (found?.isFile() && found.mtimeMs < beforeMs) yield { id, activeMs: found.mtimeMs };
  }
}

/** A write that ends meanwhile is none. */
const orEmpty = <T>(found: Promise<T[]>): Promise<T[]> =>
  found.catch((error: unknown) => {
    if (isSystemError(error) && error.code === 'ENOENT') return [];
    throw error;
  });

/** @throws {AppError} `invalid_input` unless it is the name of a file in the scratch folder. */
export function assertScratchName(id: string): void {
  if (/^[0-9a-f-]{36}$/.test(id)) return;
  throw invalidInput(`Expected the id of an unfinished write, got '${id}'`);
}
