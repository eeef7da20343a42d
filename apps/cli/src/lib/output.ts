import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

/** Write a file and the folders above it, and print its path to stderr. */
export async function writeOutput(path: string, content: Parameters<typeof writeFile>[1]) {
  const file = resolve(path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, content);
  process.stderr.write(`${file}\n`);
}

/** One JSON object, on a line of stdout. */
export const printJson = (value: object): void => {
  process.stdout.write(`${JSON.stringify(value)}\n`);
};

/** Text on one line of a terminal: its control characters as escapes of JSON. */
export const escapeControls = (text: string): string =>
  text.replace(/[\p{Cc}\u2028\u2029]/gu, (one) =>
    one < ' '
      ? JSON.stringify(one).slice(1, -1)
      : `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
