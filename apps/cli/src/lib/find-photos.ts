import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { listPhotos, type Skip } from './local-photos.js';

/** A photo to explain here. */
export type FoundPhoto = {
  readonly path: string;
  /** Path within the folder that was given; the file's name where a file was. */
  readonly name: string;
  /** The folder that it lies in, in a folder that was given: as for datasets. */
  readonly label: string | undefined;
};

/** Photos by their files, and of folders with all below them. A file that is not there is found bad later. */
export async function findPhotos(paths: readonly string[], skip: Skip): Promise<FoundPhoto[]> {
  const found: FoundPhoto[] = [];
  for (const path of paths) {
    const info = await stat(path).catch(() => null);
    if (info?.isDirectory()) found.push(...(await findInFolder(path, skip)));
    else found.push({ path, name: basename(path), label: undefined });
  }
  return found;
}

async function findInFolder(folder: string, skip: Skip): Promise<FoundPhoto[]> {
  const { folderLabel } = await import('@umbra/datasets');
  const found: FoundPhoto[] = [];
  for await (const { path, name } of listPhotos([folder], skip)) {
    try {
      found.push({ path, name, label: folderLabel(name) });
    } catch (error) {
      skip(name, error);
    }
  }
  return found;
}
