import { opendir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { invalidInput } from '@umbra/shared/errors';

export type LocalFile = {
  readonly path: string;
  /** Path within the folder that was given; the file's name where a file was. */
  readonly name: string;
  readonly bytes: number;
};

/** Files of folders by their paths within; other files by their names. Hidden ones are left out. */
export async function* listPhotos(paths: readonly string[], skip: Skip): AsyncGenerator<LocalFile> {
  for (const path of paths) {
    const info = await statGiven(path);
    if (info.isDirectory()) yield* walk(path, '', skip);
    else yield { path, name: basename(path), bytes: info.size };
  }
}

/** @throws {AppError} `invalid_input` if there is nothing. */
export const statGiven = (path: string) =>
  stat(path).catch((error: unknown) => {
    throw invalidInput(`Expected a readable file or folder at '${path}'`, error);
  });

/** Told of a file that cannot be looked at. */
export type Skip = (name: string, error: unknown) => void;

const unreadable =
  'Expected a file that can be read, got a broken link, or a name that is not UTF-8';

async function* walk(folder: string, within: string, skip: Skip): AsyncGenerator<LocalFile> {
  const names: string[] = [];
  for await (const entry of await opendir(folder)) names.push(entry.name);
  for (const name of names.filter((one) => !one.startsWith('.')).sort()) {
    const path = join(folder, name);
    const info = await stat(path).catch((error: unknown) =>
      skip(`${within}${name}`, invalidInput(unreadable, error)),
    );
    if (info === undefined) continue;
    if (info.isDirectory()) yield* walk(path, `${within}${name}/`, skip);
    else if (info.isFile()) yield { path, name: `${within}${name}`, bytes: info.size };
  }
}
