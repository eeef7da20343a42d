import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join, resolve, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { integrity } from '@umbra/shared/errors';
import { type Entry, type Options, open, type ZipFile } from 'yauzl';

const openZip = promisify<string, Options, ZipFile>(open);

/**
 * Unpack a results archive, one entry at a time.
 *
 * @throws {AppError} `integrity` if an entry would land outside `folder`.
 */
export async function extractArchive(path: string, folder: string): Promise<void> {
  const zip = await openZip(path, { lazyEntries: true });
  await new Promise<void>((resolve, reject) => {
    zip.on('error', reject);
    zip.on('end', resolve);
    zip.on('entry', (entry: Entry) => {
      extractEntry(zip, entry, folder).then(() => zip.readEntry(), reject);
    });
    zip.readEntry();
  });
}

async function extractEntry(zip: ZipFile, entry: Entry, folder: string): Promise<void> {
  if (entry.fileName.endsWith('/')) return;
  const path = join(folder, entry.fileName);
  if (!resolve(path).startsWith(resolve(folder) + sep)) {
    throw integrity(`Expected archive entries inside ${folder}, got '${entry.fileName}'`);
  }
  await mkdir(dirname(path), { recursive: true });
  const source = await promisify(
    zip.openReadStream.bind(zip) as (
      entry: Entry,
      callback: (error: Error | null, stream: NodeJS.ReadableStream) => void,
    ) => void,
  )(entry);
  await pipeline(source, createWriteStream(path));
}
