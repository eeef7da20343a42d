import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join, resolve, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { integrity } from '@umbra/shared/errors';
import { type Entry, openPromise, type ZipFile } from 'yauzl';

/** Where an entry goes in the folder, a relative path; null for one that is left out. */
export type EntryPlacement = (entry: Entry) => string | null;

/**
 * Unpack a results archive, one entry at a time.
 *
 * @throws {AppError} `integrity` if an entry would land outside `folder`.
 */
export async function extractArchive(
  path: string,
  folder: string,
  place?: EntryPlacement,
): Promise<void> {
  await extractEntries(await openPromise(path), folder, place);
}

/** As `extractArchive`, of an archive that is open; it is closed at its end. */
export async function extractEntries(
  zip: ZipFile,
  folder: string,
  place: EntryPlacement = ({ fileName }) => fileName,
): Promise<void> {
  for await (const entry of zip.eachEntry()) {
    const name = entry.fileName.endsWith('/') ? null : place(entry);
    if (name !== null) await extractEntry(zip, entry, join(folder, name), folder);
  }
}

async function extractEntry(
  zip: ZipFile,
  entry: Entry,
  path: string,
  folder: string,
): Promise<void> {
  if (!resolve(path).startsWith(resolve(folder) + sep)) {
    throw integrity(`Expected archive entries inside ${folder}, got '${entry.fileName}'`);
  }
  await mkdir(dirname(path), { recursive: true });
  await pipeline(await zip.openReadStreamPromise(entry), createWriteStream(path));
}
