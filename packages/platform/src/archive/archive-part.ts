import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { type FileHandle, mkdir, open, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough, type Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { crc32, createDeflateRaw } from 'node:zlib';
import type { ArchivePart } from '@umbra/shared/contracts/archive';
import type { Counts, JobRecord } from '@umbra/shared/contracts/job';
import type { ErrorReport } from '@umbra/shared/errors';
import { resultFolder } from '@umbra/shared/file-names';
import { umbraVersion } from '@umbra/shared/version';
import { type ArchivedFile, type ArchiveStep, pack } from './archive-images.js';
import { createZipWriter } from './zip-writer.js';

/** One zip of a job's results, on its way to the store or to a client. */
export type PartWriter = {
  /** The next image without files, or the next file of one. An image fails where one of its steps does. */
  add(step: ArchiveStep): Promise<void>;
  /** Bytes so far. */
  bytes(): number;
  counts(): Counts;
  /** Write its lists and wait until all of it is sent. */
  finish(): Promise<ArchivePart>;
  /** Break it off: a store then keeps nothing. */
  abandon(reason: Error): Promise<void>;
};

export type PartOptions = {
  /** Take the zip as it is written, and tell its size once all of it has arrived. */
  readonly send: (body: Readable) => Promise<{ readonly bytes: number }>;
  readonly job: JobRecord;
  readonly name: string;
  /** State that the manifest gives images that are neither finished nor failed. */
  readonly unfinishedAs: string;
  /** A folder that does not exist yet, for temporary files. */
  readonly folder: string;
};

/** Lists that grow with the dataset are spooled to disk, so that memory does not. */
const lists = ['manifest.jsonl', 'errors.jsonl', 'SHA256SUMS'] as const;

export async function openPart(options: PartOptions): Promise<PartWriter> {
  const { send, job, name, folder } = options;
  await mkdir(folder);
  const opened = await Promise.all(
    lists.map(async (list) => [list, await open(join(folder, list), 'wx')] as const),
  );
  const spools = Object.fromEntries(opened) as Record<(typeof lists)[number], FileHandle>;
  const output = new PassThrough();
  const hash = createHash('sha256');
  const sent = send(output);
  // Awaited in `finish`; a failure before that must not count as unhandled, and ends the writing.
  sent.catch((error: unknown) => output.destroy(error instanceof Error ? error : undefined));
  output.on('error', () => undefined);
  const write = async (chunk: Buffer): Promise<void> => {
    if (output.destroyed) {
      await sent;
      throw new Error(`Expected ${name} to take more bytes, but it is closed`);
    }
    hash.update(chunk);
    if (!output.write(chunk)) await drained(output);
  };
  const zip = await createZipWriter(write, join(folder, 'directory'), new Date(job.createdAt));
  const counts = { total: 0, completed: 0, failed: 0 };
  let files: ArchivedFile[] = [];
  let failure: ErrorReport | null = null;

  const clear = async (): Promise<void> => {
    await Promise.all([zip.close(), ...Object.values(spools).map((file) => file.close())]);
    await rm(folder, { recursive: true, force: true });
  };
  const list = async (line: object): Promise<void> => {
    await spools['manifest.jsonl'].write(`${JSON.stringify(line)}\n`);
  };
  return {
    async add({ item, outcome, file, isLast }) {
      if (file !== null) {
        await zip.add(file);
        await spools.SHA256SUMS.write(`${file.sha256}  ${file.name}\n`);
        files.push({ ...file, content: Buffer.alloc(0) });
      }
      if (outcome.state === 'failed') failure ??= outcome.error;
      if (!isLast) return;
      const { id, name: given, sha256 } = item;
      const image = { id, name: given, sha256 };
      counts.total += 1;
      if (failure !== null) {
        counts.failed += 1;
        await list({ ...image, state: 'failed' });
        const line = JSON.stringify({ id, name: given, error: failure });
        await spools['errors.jsonl'].write(`${line}\n`);
      } else if (outcome.state === 'completed') {
        counts.completed += 1;
        const listed = files.map((one) => ({
          path: one.name,
          sha256: one.sha256,
          bytes: one.bytes,
        }));
        await list({ ...image, state: 'completed', folder: resultFolder(item), files: listed });
      } else await list({ ...image, state: options.unfinishedAs });
      failure = null;
      files = [];
    },
    bytes: () => zip.bytes(),
    counts: () => ({ ...counts }),
    async finish() {
      await zip.add(await pack('provenance.json', provenanceOf(job, name, counts)));
      for (const one of lists) await zip.add(await packSpool(folder, one));
      await zip.finish();
      output.end();
      const { bytes } = await sent;
      await clear();
      return { name, bytes, sha256: hash.digest('hex'), images: counts.total };
    },
    async abandon(reason) {
      output.destroy(reason);
      await sent.catch(() => undefined);
      await clear();
    },
  };
}

/** Compress a list to a file first: an entry's sizes precede its bytes. */
async function packSpool(folder: string, name: string) {
  const [path, packedPath] = [join(folder, name), join(folder, `${name}.deflated`)];
  let crc = 0;
  const meter = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      crc = crc32(chunk, crc);
      done(null, chunk);
    },
  });
  await pipeline(createReadStream(path), meter, createDeflateRaw(), createWriteStream(packedPath));
  const [plain, packed] = await Promise.all([stat(path), stat(packedPath)]);
  return {
    name,
    crc,
    bytes: plain.size,
    packedBytes: packed.size,
    method: 'deflate',
    content: createReadStream(packedPath),
  } as const;
}

function provenanceOf(job: JobRecord, archive: string, counts: Counts): Buffer {
  const { id, dataset, model, settings, createdAt, startedAt } = job;
  const facts = { job: id, archive, dataset, model, settings, counts, createdAt, startedAt };
  return Buffer.from(`${JSON.stringify({ ...facts, umbraVersion }, null, 2)}\n`);
}

/** Resolves on drain or close. No race of promises: they would accumulate until the last settles. */
function drained(output: PassThrough): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      output.off('drain', done).off('close', done);
      resolve();
    };
    output.on('drain', done).on('close', done);
  });
}
