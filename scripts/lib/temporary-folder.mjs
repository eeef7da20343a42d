import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { step } from './run.mjs';

/**
 * Gives a folder that is removed afterwards, also where this process is interrupted.
 *
 * @template T
 * @param {string} prefix of its name
 * @param {(folder: string) => Promise<T>} use
 * @param {boolean} [isKept] leave it, and say where
 * @returns {Promise<T>}
 */
export async function withTemporaryFolder(prefix, use, isKept = false) {
  const folder = mkdtempSync(join(tmpdir(), `${prefix}-`));
  const remove = () => {
    if (isKept) step(`kept: ${folder}`);
    else rmSync(folder, { recursive: true, force: true });
  };
  process.once('exit', remove);
  try {
    return await use(folder);
  } finally {
    process.off('exit', remove);
    remove();
  }
}
