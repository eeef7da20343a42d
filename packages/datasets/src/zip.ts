import { addAbortSignal, type Readable } from 'node:stream';
import { promisify } from 'node:util';
import { at } from '@umbra/shared/assert';
import { AppError, hasCode, invalidInput } from '@umbra/shared/errors';
import {
  type Entry,
  fromRandomAccessReader,
  getFileNameLowLevel,
  type Options,
  open,
  type RandomAccessReader,
  type ZipFile,
} from 'yauzl';
import { isIgnoredFile } from './names.js';
import type { Sink } from './sink.js';
import { assertEntries, assertExpansion, type UnpackLimits } from './unpack-limits.js';

/** A file's path, or something that can be read anywhere. */
export type ZipPlace = string | { readonly reader: RandomAccessReader; readonly bytes: number };

const openFile = promisify<string, Options, ZipFile>(open);
const openReader = promisify<RandomAccessReader, number, Options, ZipFile>(fromRandomAccessReader);
const symbolicLink = 0o120000;
const fileType = 0o170000;

/** Bytes of an entry's own header, at least. */
const headerBytes = 30;

/**
 * Give the files of a zip to a sink, one at a time, in the order of its directory.
 *
 * Nothing is unpacked to disk, and nothing before the whole directory was checked. Folders, `__MACOSX` and
 * hidden files are passed over; links and names that would leave the folder are refused one by one.
 *
 * @throws {AppError} `invalid_input` if it is no zip, a broken one, or one whose entries share bytes;
 *   `too_large`.
 * @throws The signal's reason.
 */
export async function unpackZip(place: ZipPlace, sink: Sink, limits: UnpackLimits): Promise<void> {
  await checkDirectory(place, limits);
  await readEntries(place, limits, (zip, entry) => unpackEntry(zip, entry, { sink, ...limits }));
}

/** Hold a zip's directory to the limits. @throws {AppError} `invalid_input`; `too_large` */
async function checkDirectory(place: ZipPlace, limits: UnpackLimits): Promise<void> {
  const starts: number[] = [];
  const ends: number[] = [];
  let bytes = 0;
  await readEntries(place, limits, (zip, entry) => {
    bytes += entry.uncompressedSize;
    assertExpansion(bytes, zip.fileSize, limits);
    starts.push(entry.relativeOffsetOfLocalHeader);
    ends.push(entry.relativeOffsetOfLocalHeader + headerBytes + entry.compressedSize);
  });
  const sortedEnds = Float64Array.from(ends).sort();
  // Ranges are apart where each begins after as many have ended as began before it.
  for (const [index, start] of Float64Array.from(starts).sort().entries()) {
    if (index > 0 && start < at(sortedEnds, index - 1)) {
      throw invalidInput('Expected a zip file, got one whose entries share bytes');
    }
  }
}

/** Read a zip's directory, one entry after the other. */
async function readEntries(
  place: ZipPlace,
  limits: UnpackLimits,
  take: (zip: ZipFile, entry: Entry) => Promise<void> | void,
): Promise<void> {
  // Names are checked by the sink, with an answer for each, and not by the library for all.
  const options = { lazyEntries: true, decodeStrings: false, validateEntrySizes: true } as const;
  const zip = await (typeof place === 'string'
    ? openFile(place, options)
    : openReader(place.reader, place.bytes, options)
  ).catch((error: unknown) => {
    throw badZip(error);
  });
  try {
    assertEntries(zip.entryCount, limits);
    const takeNow = async (entry: Entry): Promise<void> => {
      limits.signal.throwIfAborted();
      await take(zip, entry);
    };
    await new Promise<void>((resolve, reject) => {
      zip.on('error', (error) => reject(badZip(error)));
      zip.on('end', resolve);
      zip.on('entry', (entry: Entry) => {
        takeNow(entry).then(() => zip.readEntry(), reject);
      });
      zip.readEntry();
    });
  } finally {
    zip.close();
  }
}

/** Flag of a name in UTF-8. */
const utf8Flag = 0x800;
/** Systems whose archivers write `\` between folders: DOS, OS/2, NTFS, and NTFS and VFAT of Info-ZIP. */
const dosHosts: ReadonlySet<number> = new Set([0, 6, 10, 11, 14]);

/**
 * Decode an entry's name. Without the flag it should be CP437; what is there is UTF-8 of macOS, or the
 * encoding of somebody's system, which no entry names: `\ufffd` then takes the place of its bytes, and
 * the name is refused.
 */
function nameOf(entry: Entry): string {
  const { generalPurposeBitFlag, fileNameRaw, extraFields, versionMadeBy } = entry;
  const flags = generalPurposeBitFlag | utf8Flag;
  const isStrict = !dosHosts.has(versionMadeBy >>> 8);
  return getFileNameLowLevel(flags, fileNameRaw, extraFields, isStrict);
}

async function unpackEntry(
  zip: ZipFile,
  entry: Entry,
  { sink, signal }: UnpackLimits & { readonly sink: Sink },
): Promise<void> {
  const name = nameOf(entry);
  if (isIgnoredFile(name)) return;
  const mode = entry.externalFileAttributes >>> 16;
  if ((mode & fileType) === symbolicLink) {
    return sink.refuse(name, invalidInput('Expected a file, got a link'));
  }
  if (entry.isEncrypted()) {
    return sink.refuse(name, invalidInput('Expected a plain entry, got an encrypted one'));
  }
  try {
    const open = async () => addAbortSignal(signal, await openEntry(zip, entry));
    await sink.add(name, open, entry.uncompressedSize);
  } catch (error) {
    signal.throwIfAborted();
    // The entry's own bytes are bad (checksum, inflation); the next may be good.
    if (hasCode(error) || error instanceof AppError) throw error;
    await sink.refuse(name, badZip(error));
  }
}

function openEntry(zip: ZipFile, entry: Entry): Promise<Readable> {
  return new Promise((resolve, reject) => {
    zip.openReadStream(entry, (error, stream) => (error ? reject(error) : resolve(stream)));
  });
}

const badZip = (error: unknown): AppError => {
  if (error instanceof AppError) return error;
  if (hasCode(error)) return new AppError(error.code, error.message, { cause: error });
  return invalidInput(
    `Expected a zip file, got a broken one (${error instanceof Error ? error.message : String(error)})`,
    error,
  );
};
