import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { type FileHandle, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, type Readable } from 'node:stream';
import {
  archivePayload,
  type DatasetItem,
  datasetItem,
  errorReport,
  getJson,
  isFinal,
  isResultFile,
  type JobRecord,
  keys,
  type ObjectStore,
  readJsonLines,
  reportError,
  umbraVersion,
} from '@umbra/shared';
import { ZipArchive } from 'archiver';
import type { Job } from 'bullmq';
import { z } from 'zod';
import type { Context } from './context.js';
import { endJob, failJob, readJob } from './job-record.js';

/** Stream every result into one zip in the store, and end the job. Safe to repeat. */
export async function runArchive(context: Context, queued: Job): Promise<void> {
  const { tenant, jobId } = archivePayload.parse(queued.data);
  const { store, logger } = context;
  const job = await readJob(store, tenant, jobId);
  if (isFinal(job.state)) return;
  try {
    const counts = await writeArchive(store, tenant, job);
    await endJob(context, tenant, job, job.ending?.state ?? 'completed', {
      counts,
      error: job.ending?.error ?? null,
    });
  } catch (error) {
    if (queued.attemptsMade + 1 < (queued.opts.attempts ?? 1)) throw error;
    await failJob(context, tenant, jobId, reportError(error));
    logger.error({ jobId, error: reportError(error) }, 'archive failed');
  }
}

/** An archive that ended without its step, since its workers died of it. */
export async function failUnarchived(context: Context, queued: Job, error: Error): Promise<void> {
  const { tenant, jobId } = archivePayload.parse(queued.data);
  const job = await readJob(context.store, tenant, jobId);
  if (!isFinal(job.state)) await failJob(context, tenant, jobId, reportError(error));
}

/** Lists that grow with the dataset are spooled to disk, so that memory does not. */
type Spool = { readonly name: string; readonly path: string; readonly file: FileHandle };

async function writeArchive(
  store: ObjectStore,
  tenant: string,
  job: JobRecord,
): Promise<JobRecord['counts']> {
  const folder = await mkdtemp(join(tmpdir(), 'umbra-archive-'));
  const opened: Spool[] = [];
  const spool = async (name: string): Promise<Spool> => {
    const path = join(folder, name);
    const made = { name, path, file: await open(path, 'wx') };
    opened.push(made);
    return made;
  };
  const zip = new ZipArchive({ zlib: { level: 6 } });
  const output = new PassThrough();
  zip.on('error', (error: Error) => output.destroy(error));
  zip.pipe(output);
  const stored = store.putStream(keys.archive(tenant, job.id), output);
  // Heard below; a failure before that must not count as unhandled.
  stored.catch(() => undefined);
  const add: AddEntry = async (name, content, isStored = false) => {
    // An upload that failed would never drain the archive: wait for whichever comes first.
    const added = once(zip, 'entry');
    zip.append(content, { name, store: isStored });
    await Promise.race([added, stored.then(() => undefined)]);
  };
  try {
    const spools = {
      manifest: await spool('manifest.jsonl'),
      errors: await spool('errors.jsonl'),
      sums: await spool('SHA256SUMS'),
    };
    const counts = { total: job.counts.total, completed: 0, failed: 0 };
    const manifest = await store.stream(keys.manifest(tenant, job.dataset));
    for await (const { value: item } of readJsonLines(manifest.body, datasetItem)) {
      const state = await addImage(store, tenant, job, item, spools, add);
      if (state !== 'cancelled') counts[state] += 1;
    }
    await add('provenance.json', provenanceOf(job, counts));
    for (const { name, path } of opened) await add(name, createReadStream(path));
    await zip.finalize();
    await stored;
    return counts;
  } catch (error) {
    output.destroy(error instanceof Error ? error : new Error(String(error)));
    await stored.catch(() => undefined);
    throw error;
  } finally {
    for (const { file } of opened) await file.close();
    await rm(folder, { recursive: true, force: true });
  }
}

type AddEntry = (name: string, content: Buffer | Readable, isStored?: boolean) => Promise<void>;

async function addImage(
  store: ObjectStore,
  tenant: string,
  job: JobRecord,
  item: DatasetItem,
  spools: { manifest: Spool; errors: Spool; sums: Spool },
  add: AddEntry,
): Promise<'completed' | 'failed' | 'cancelled'> {
  const { id, name, sha256 } = item;
  const description = keys.result(tenant, job.id, id, 'result.json');
  // It was written last: without it there may be some files of a merge that failed.
  if ((await store.head(description)) === null) {
    const error = await findError(store, tenant, job, id);
    if (error === null) {
      // Nothing but an early end leaves an image without either.
      await writeLine(spools.manifest, { id, name, sha256, state: 'cancelled' });
      return 'cancelled';
    }
    await writeLine(spools.errors, { id, name, error });
    await writeLine(spools.manifest, { id, name, sha256, state: 'failed' });
    return 'failed';
  }
  const folder = `${folderName(name)}__${id}`;
  const files: ArchivedFile[] = [];
  const named = (await getJson(store, description, fileList)).files.filter(isResultFile);
  for (const file of [...named, 'result.json'] as const) {
    const content = await store.get(keys.result(tenant, job.id, id, file));
    const digest = createHash('sha256').update(content).digest('hex');
    files.push({ path: `${folder}/${file}`, sha256: digest, bytes: content.length });
    await add(`${folder}/${file}`, content, file.endsWith('.png'));
    await spools.sums.file.write(`${digest}  ${folder}/${file}\n`);
  }
  await writeLine(spools.manifest, { id, name, sha256, state: 'completed', folder, files });
  return 'completed';
}

async function findError(
  store: ObjectStore,
  tenant: string,
  { id, ending }: JobRecord,
  image: string,
) {
  const key = keys.error(tenant, id, image);
  if (ending !== null && (await store.head(key)) === null) return null;
  return getJson(store, key, errorReport);
}

const fileList = z.object({ files: z.array(z.string()) });

type ArchivedFile = { readonly path: string; readonly sha256: string; readonly bytes: number };

async function writeLine({ file }: Spool, value: unknown): Promise<void> {
  await file.write(`${JSON.stringify(value)}\n`);
}

/**
 * The image's name without folders and ending, in characters that every system can unpack, and
 * short enough: file systems allow 255 bytes, a character may take 4.
 */
export function folderName(name: string): string {
  const base = name.split(/[\\/]/).at(-1) ?? '';
  const plain = base
    .replace(/\.[^.]*$/, '')
    .replaceAll(/[^\p{L}\p{N}._-]+/gu, '_')
    .replace(/^\.+/, '');
  return [...plain].slice(0, 55).join('') || 'image';
}

function provenanceOf(job: JobRecord, counts: JobRecord['counts']): Buffer {
  const { id, dataset, model, settings, createdAt, startedAt } = job;
  const facts = { job: id, dataset, model, settings, counts, createdAt, startedAt, umbraVersion };
  return Buffer.from(`${JSON.stringify(facts, null, 2)}\n`);
}
