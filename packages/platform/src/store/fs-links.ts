import { realpath } from 'node:fs/promises';
import { dirname, isAbsolute, relative, sep } from 'node:path';
import { invalidInput } from '@umbra/shared/errors';
import { isSystemError } from './fs-errors.js';

/**
 * Refuse a path that a link below the root leads out of it.
 *
 * What does not exist yet is judged by its nearest folder that does, before anything is made.
 *
 * @param root The store's folder, which must exist.
 * @param path A path below it.
 * @throws {AppError} `invalid_input` naming the key.
 */
export async function assertInside(root: string, path: string, key: string): Promise<void> {
  const realRoot = await realpath(root);
  let at = path;
  let real = await realOrNull(at);
  while (real === null) {
    at = dirname(at);
    real = await realOrNull(at);
  }
  const way = relative(realRoot, real);
  if (way === '..' || way.startsWith(`..${sep}`) || isAbsolute(way)) {
    throw invalidInput(`Expected '${key}' to stay inside the store, but a link leads out of it`);
  }
}

async function realOrNull(path: string): Promise<string | null> {
  try {
    return await realpath(path);
  } catch (error) {
    if (isSystemError(error) && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return null;
    throw error;
  }
}
