import type { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { AppError, invalidInput } from '@umbra/shared';
import { type Entry, getFileNameLowLevel, type Options, open, type ZipFile } from 'yauzl';
import type { Collector } from './collector.js';

const openZip = promisify<string, Options, ZipFile>(open);
const symbolicLink = 0o120000;
const fileType = 0o170000;

/**
 * Give the files of a zip to the collector, one at a time, in the order of its directory.
 *
 * Nothing is unpacked to disk. Folders, `__MACOSX` and hidden files are passed over; links and names
 * that would leave the folder are refused one by one.
 *
 * @throws {AppError} `invalid_input` if the file is no zip, or a broken one.
 */
export async function collectZip(path: string, collector: Collector): Promise<void> {
  // Names are checked by the collector, with an answer for each, and not by the library for all.
  const zip = await openZip(path, {
    lazyEntries: true,
    decodeStrings: false,
    validateEntrySizes: true,
  }).catch((error: unknown) => {
    throw badZip(error);
  });
  await new Promise<void>((resolve, reject) => {
    zip.on('error', (error) => reject(badZip(error)));
    zip.on('end', resolve);
    zip.on('entry', (entry: Entry) => {
      collectEntry(zip, entry, collector).then(() => zip.readEntry(), reject);
    });
    zip.readEntry();
  }).finally(() => zip.close());
}

async function collectEntry(zip: ZipFile, entry: Entry, collector: Collector): Promise<void> {
  const { generalPurposeBitFlag, fileNameRaw, extraFields } = entry;
  const name = getFileNameLowLevel(generalPurposeBitFlag, fileNameRaw, extraFields, true);
  if (name.endsWith('/') || /(^|\/)(__MACOSX\/|\.[^./])/.test(name)) return;
  const mode = entry.externalFileAttributes >>> 16;
  if ((mode & fileType) === symbolicLink) {
    return collector.refuse(name, invalidInput('Expected a file, got a link'));
  }
  if (entry.isEncrypted()) {
    return collector.refuse(name, invalidInput('Expected a plain entry, got an encrypted one'));
  }
  try {
    await collector.add(name, await openEntry(zip, entry));
  } catch (error) {
    // The entry's own bytes are bad (checksum, inflation); the next may be good.
    if (error instanceof AppError) throw error;
    collector.refuse(name, badZip(error));
  }
}

function openEntry(zip: ZipFile, entry: Entry): Promise<Readable> {
  return new Promise((resolve, reject) => {
    zip.openReadStream(entry, (error, stream) => (error ? reject(error) : resolve(stream)));
  });
}

const badZip = (error: unknown): AppError =>
  invalidInput(
    `Expected a zip file, got a broken one (${error instanceof Error ? error.message : String(error)})`,
    error,
  );
