import { chmod, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { invalidInput } from '@umbra/shared/errors';
import { z } from 'zod';
import { readCliConfig } from './config.js';

const login = z.strictObject({
  version: z.literal(1),
  /** Address of the service, without a `/` at its end. */
  url: z.url({ protocol: /^https?$/ }),
  /** null for a service that asks for none. */
  key: z.string().nullable(),
});
export type Login = z.output<typeof login>;

/** The file that `umbra login` writes. */
export const loginPath = (): string =>
  join(readCliConfig().XDG_CONFIG_HOME ?? join(homedir(), '.config'), 'umbra', 'login.json');

/**
 * What `umbra login` wrote; null where it did not.
 *
 * @throws {AppError} `invalid_input` if others can read it, or it is something else.
 */
export async function readLogin(): Promise<Login | null> {
  const path = loginPath();
  const info = await stat(path).catch(absent);
  if (info === null) return null;
  if (process.platform !== 'win32' && (info.mode & 0o077) !== 0) {
    const mode = (info.mode & 0o777).toString(8);
    throw invalidInput(
      `Expected '${path}' to be for you alone, got mode ${mode}: chmod 600 '${path}'`,
    );
  }
  try {
    return login.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (error) {
    throw invalidInput(`Expected '${path}' as 'umbra login' writes it: log in again`, error);
  }
}

/** Write it for this user alone. @returns Its path. */
export async function writeLogin(value: Login): Promise<string> {
  const path = loginPath();
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const part = `${path}.${process.pid}.part`;
  await writeFile(part, `${JSON.stringify(value)}\n`, { mode: 0o600 });
  await chmod(part, 0o600);
  await rename(part, path);
  return path;
}

export const deleteLogin = (): Promise<void> => rm(loginPath(), { force: true });

function absent(error: unknown): null {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
  throw error;
}
