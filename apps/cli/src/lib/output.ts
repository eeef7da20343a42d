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
