import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { crc32, deflateRaw, type ZlibOptions } from 'node:zlib';
import { mapInOrder } from '@umbra/shared/concurrency';
import { type DatasetItem, datasetItem, errorReport } from '@umbra/shared/contracts/dataset';
import type { JobRecord } from '@umbra/shared/contracts/job';
import { isResultFile, type ResultFile } from '@umbra/shared/contracts/result';
import { type ErrorReport, hasCode, notFound, reportError } from '@umbra/shared/errors';
import { resultFolder } from '@umbra/shared/file-names';
import { z } from 'zod';
import { getJson, parseJson, readJsonLines } from '../store/json.js';
import { keys } from '../store/keys.js';
import type { ObjectStore } from '../store/store.js';
import type { ZipEntry } from './zip-writer.js';

/** Files of a finished image that are to be archived, and where they come from. */
export type ImageFiles = {
  /** Beside its description. */
  readonly names: readonly ResultFile[];
  /** @throws {AppError} `not_found` where it is lost. */
  read(name: ResultFile): Promise<Buffer>;
};

export type JobImages = {
  readonly store: ObjectStore;
  readonly tenant: string;
  readonly job: JobRecord;
  /** Whether images may be neither finished nor failed, since the job was stopped. */
  readonly mayLack: boolean;
  /**
   * Choose a finished image's files; all that are stored when left out.
   *
   * @param description Its `result.json`.
   * @throws {AppError} `integrity` where that is damaged.
   */
  readonly open?: (image: string, description: Buffer) => ImageFiles;
  /** How many files are read ahead; `filesAhead` when left out. */
  readonly ahead?: { readonly atOnce: number; readonly maxWeight: number };
};

/** Outcome of an image: a finished one has files. */
export type ImageOutcome =
  | { readonly state: 'completed'; readonly files: ImageFiles; readonly json: Buffer }
  | { readonly state: 'failed'; readonly error: ErrorReport }
  | { readonly state: 'unfinished' }
  /** The store has lost its results, or this one of them, which `reason` explains. */
  | { readonly state: 'lost'; readonly lost: ResultFile; readonly reason: string };

export type ArchivedFile = ZipEntry & { readonly content: Buffer; readonly sha256: string };

/** A step through a job's images: an image alone where it has no files, else each of its files. */
export type ArchiveStep = {
  readonly item: DatasetItem;
  readonly outcome: ImageOutcome;
  readonly file: ArchivedFile | null;
  readonly isFirst: boolean;
  readonly isLast: boolean;
};

/** Requests of an object store overlap; what has been read and waits is bounded. */
const imagesAhead = 16;
const filesAhead = { atOnce: 24, maxWeight: 32 * 1024 * 1024 };

/** Read the files of every image, packed for a zip, in the manifest's order. */
export async function* readImages(images: JobImages): AsyncGenerator<ArchiveStep> {
  const { store, tenant, job, ahead = filesAhead } = images;
  const manifest = await store.stream(keys.manifest(tenant, job.dataset));
  try {
    const lines = readJsonLines(manifest.body, datasetItem);
    const described = mapInOrder(lines, { atOnce: imagesAhead }, async ({ value: item }) => ({
      item,
      outcome: await readOutcome(images, item.id),
    }));
    const weigh = ({ file }: ArchiveStep) => (file === null ? 0 : file.content.length);
    yield* mapInOrder(
      listFiles(described),
      { ...ahead, weigh },
      async ({ name, ...step }): Promise<ArchiveStep> => {
        if (name === null) return { ...step, file: null };
        try {
          return { ...step, file: await readFile(step, name) };
        } catch (error) {
          return { ...step, file: null, outcome: lostFile(name, error) };
        }
      },
    );
  } finally {
    manifest.body.destroy();
  }
}

type DescribedImage = { readonly item: DatasetItem; readonly outcome: ImageOutcome };
type ListedFile = Omit<ArchiveStep, 'file'> & { readonly name: ResultFile | null };

async function* listFiles(images: AsyncIterable<DescribedImage>): AsyncGenerator<ListedFile> {
  for await (const { item, outcome } of images) {
    // The description last: whoever unpacks a zip that broke off finds no image that looks whole.
    const names =
      outcome.state === 'completed' ? [...outcome.files.names, 'result.json' as const] : [null];
    for (const [index, name] of names.entries()) {
      yield { item, outcome, name, isFirst: index === 0, isLast: index === names.length - 1 };
    }
  }
}

async function readOutcome(images: JobImages, id: string): Promise<ImageOutcome> {
  const { store, tenant, job, mayLack, open = openStored(images) } = images;
  // It was written last: without it there may be some files of a merge that failed.
  const json = await orNull(store.get(keys.result(tenant, job.id, id, 'result.json')));
  if (json !== null) {
    try {
      return { state: 'completed', files: open(id, json), json };
    } catch (error) {
      return lostFile('result.json', error);
    }
  }
  const error = await orNull(getJson(store, keys.error(tenant, job.id, id), errorReport));
  if (error !== null) return { state: 'failed', error };
  return mayLack ? { state: 'unfinished' } : lostFile('result.json', notFound('It has no result'));
}

/** Turn `not_found`, or `integrity` of a description, into a loss. @throws Every other error. */
function lostFile(lost: ResultFile, error: unknown): ImageOutcome {
  const isLoss =
    hasCode(error, 'not_found') || (lost === 'result.json' && hasCode(error, 'integrity'));
  if (!isLoss) throw error;
  return { state: 'lost', lost, reason: reportError(error).message };
}

const fileList = z.object({ files: z.array(z.string()) });

const openStored =
  ({ store, tenant, job }: JobImages) =>
  (image: string, description: Buffer): ImageFiles => {
    const { files } = parseJson(description.toString(), fileList, `the result of '${image}'`);
    return {
      names: files.filter(isResultFile),
      read: (name) => store.get(keys.result(tenant, job.id, image, name)),
    };
  };

async function readFile(
  { item, outcome }: DescribedImage,
  name: ResultFile,
): Promise<ArchivedFile> {
  if (outcome.state !== 'completed') throw new RangeError(`Expected files, got ${outcome.state}`);
  const content = name === 'result.json' ? outcome.json : await outcome.files.read(name);
  const sha256 = createHash('sha256').update(content).digest('hex');
  return { ...(await pack(`${resultFolder(item)}/${name}`, content)), sha256 };
}

const deflate = promisify<Buffer, ZlibOptions, Buffer>(deflateRaw);
/** Arrays of floats gain little from a higher level, and compression takes most of the time. */
const fastDeflate = { level: 1 };

/** Compress a file for a zip, unless that gains nothing, as of pictures. */
export async function pack(
  name: string,
  plain: Buffer,
): Promise<ZipEntry & { readonly content: Buffer }> {
  const facts = { name, crc: crc32(plain), bytes: plain.length };
  const packed = /\.(png|webp)$/.test(name) ? plain : await deflate(plain, fastDeflate);
  return packed.length < plain.length
    ? { ...facts, method: 'deflate', packedBytes: packed.length, content: packed }
    : { ...facts, method: 'store', packedBytes: plain.length, content: plain };
}

/** Turn `not_found` into null. */
const orNull = <T>(found: Promise<T>): Promise<T | null> =>
  found.catch((error: unknown) => {
    if (hasCode(error, 'not_found')) return null;
    throw error;
  });
