import { rmSync } from 'node:fs';
import { access, mkdir, open, rename } from 'node:fs/promises';
import { dirname, extname, resolve } from 'node:path';
import { invalidInput } from '@umbra/shared/errors';

/** Add to the end of a file. */
export type Write = (chunk: string) => Promise<void>;

/**
 * The path of a file that is not there yet.
 *
 * @param flag That named it. @param end Its extension, with the dot.
 * @throws {AppError} `invalid_input` if something is there, or its name ends otherwise.
 */
export async function resolveNewFile(name: string, flag: string, end: string): Promise<string> {
  if (extname(name) !== end) throw invalidInput(`Expected ${flag} FILE${end}, got '${name}'`);
  const path = resolve(name);
  const isThere = await access(path).then(
    () => true,
    () => false,
  );
  if (isThere) throw invalidInput(`Expected ${flag} to be a new file, got '${path}', which exists`);
  return path;
}

/**
 * Write a file, and the folders above it, that is there when all of it is: until then it has another name, and
 * is deleted where the work fails or the process is interrupted.
 *
 * @param path As of `resolveNewFile`.
 * @returns What the work returns.
 */
export async function writeNewFile<T>(
  path: string,
  work: (write: Write) => Promise<T>,
): Promise<T> {
  await mkdir(dirname(path), { recursive: true });
  const part = `${path}.${process.pid}.part`;
  const remove = (): void => rmSync(part, { force: true });
  // An interruption ends the process, and waits for nothing.
  process.once('exit', remove);
  try {
    const file = await open(part, 'w');
    try {
      const result = await work((chunk) => file.appendFile(chunk));
      await file.sync();
      await rename(part, path);
      return result;
    } finally {
      await file.close();
    }
  } finally {
    remove();
    process.off('exit', remove);
  }
}
