import { readFile } from 'node:fs/promises';
import { parseApiKey } from '@umbra/platform/tenancy/api-keys';
import { invalidInput } from '@umbra/shared/errors';
import { readCliConfig } from './config.js';

/**
 * The API key from a file, or from the environment; undefined where there is none.
 *
 * @throws {AppError} `invalid_input` if it is no key, without saying what it is.
 */
export async function readApiKey(file: string | undefined): Promise<string | undefined> {
  const text = file === undefined ? readCliConfig().UMBRA_API_KEY : await readKeyFile(file);
  if (text === undefined) return undefined;
  return parseKey(text, file === undefined ? 'UMBRA_API_KEY' : `'${file}'`);
}

/** @param where What holds the text. @throws {AppError} `invalid_input`, without saying what it is. */
export function parseKey(text: string, where: string): string {
  if (parseApiKey(text.trim()) !== null) return text.trim();
  throw invalidInput(`Expected ${where} to hold an API key, umbra_..., got something else`);
}

/** @throws {AppError} `invalid_input` if it cannot be read. */
export const readKeyFile = (file: string): Promise<string> =>
  readFile(file, 'utf8').catch((error: unknown) => {
    throw invalidInput(`Expected --key-file to name a file that can be read, got '${file}'`, error);
  });
