import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { crc32, deflateRaw, type ZlibOptions } from 'node:zlib';
import { getJson, readJsonLines } from '@umbra/platform/store/json';
import { keys } from '@umbra/platform/store/keys';
import type { ObjectStore } from '@umbra/platform/store/store';
import { mapInOrder } from '@umbra/shared/concurrency';
import { type DatasetItem, datasetItem, errorReport } from '@umbra/shared/contracts/dataset';
import type { JobRecord } from '@umbra/shared/contracts/job';
import { isResultFile, type ResultFile } from '@umbra/shared/contracts/result';
import { type ErrorReport, hasCode } from '@umbra/shared/errors';
import { resultFolder } from '@umbra/shared/file-names';
import { z } from 'zod';
import type { ZipEntry } from './zip-writer.js';

export type JobImages = {
  readonly store: ObjectStore;
  readonly tenant: string;
  readonly job: JobRecord;
  /** Whether images may be neither finished nor failed, since the job was stopped. */
  readonly mayLack: boolean;
};

/** Outcome of an image: a finished one has files. */
export type ImageOutcome =
  | { readonly state: 'completed'; readonly files: readonly ResultFile[]; readonly json: Buffer }
  | { readonly state: 'failed'; readonly error: ErrorReport }
  | { readonly state: 'unfinished' }
  /** The store has lost its results, or this one of them. */
  | { readonly state: 'lost'; readonly lost: ResultFile };

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

/** Read every file of every image, packed for a zip, in the manifest's order. */
export async function* readImages(images: JobImages): AsyncGenerator<ArchiveStep> {
  const { store, tenant, job } = images;
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
      { ...filesAhead, weigh },
      async ({ name, ...step }): Promise<ArchiveStep> => {
        if (name === null) return { ...step, file: null };
        const file = await orNull(readFile(images, step, name));
        if (file !== null) return { ...step, file };
        return { ...step, file, outcome: { state: 'lost', lost: name } };
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
    const names = outcome.state === 'completed' ? outcome.files : [null];
    for (const [index, name] of names.entries()) {
      yield { item, outcome, name, isFirst: index === 0, isLast: index === names.length - 1 };
    }
  }
}

const fileList = z.object({ files: z.array(z.string()) });

async function readOutcome(
  { store, tenant, job, mayLack }: JobImages,
  id: string,
): Promise<ImageOutcome> {
  // It was written last: without it there may be some files of a merge that failed.
  const json = await orNull(store.get(keys.result(tenant, job.id, id, 'result.json')));
  if (json !== null) {
    const listed = parseFiles(json);
    if (listed === null) return { state: 'lost', lost: 'result.json' };
    return { state: 'completed', files: [...listed, 'result.json'], json };
  }
  const error = await orNull(getJson(store, keys.error(tenant, job.id, id), errorReport));
  if (error !== null) return { state: 'failed', error };
  return mayLack ? { state: 'unfinished' } : { state: 'lost', lost: 'result.json' };
}

/** @returns null where the description is damaged. */
function parseFiles(json: Buffer): ResultFile[] | null {
  try {
    return fileList.parse(JSON.parse(json.toString())).files.filter(isResultFile);
  } catch {
    return null;
  }
}

async function readFile(
  { store, tenant, job }: JobImages,
  { item, outcome }: DescribedImage,
  name: ResultFile,
): Promise<ArchivedFile> {
  const content =
    name === 'result.json' && outcome.state === 'completed'
      ? outcome.json
      : await store.get(keys.result(tenant, job.id, item.id, name));
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
