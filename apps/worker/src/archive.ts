import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream, createWriteStream, type WriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { finished } from 'node:stream/promises';
import {
  archivePayload,
  type DatasetItem,
  datasetItem,
  errorReport,
  getJson,
  hasCode,
  isFinal,
  type JobRecord,
  keys,
  type ObjectStore,
  type ResultFile,
  readJsonLines,
  reportError,
  resultFiles,
  umbraVersion,
} from '@umbra/shared';
import { ZipArchive } from 'archiver';
import type { Job } from 'bullmq';
import type { Context } from './context.js';
import { failJob, readJob, writeJob } from './job-record.js';

/** Stream every result into one zip in the store, and end the job. Safe to repeat. */
export async function runArchive(context: Context, queued: Job): Promise<void> {
  const { tenant, jobId } = archivePayload.parse(queued.data);
  const { store, progress, logger } = context;
  const job = await readJob(store, tenant, jobId);
  if (isFinal(job.state)) return;
  try {
    const counts = await writeArchive(store, tenant, job);
    const completedAt = new Date().toISOString();
    await writeJob(store, tenant, job, { state: 'completed', completedAt, counts });
    await store.delete(keys.activeJob(tenant, jobId));
    await progress.remove(jobId);
    logger.info({ jobId, ...counts }, 'job completed');
  } catch (error) {
    if (queued.attemptsMade + 1 < (queued.opts.attempts ?? 1)) throw error;
    await failJob(store, tenant, jobId, reportError(error));
    logger.error({ jobId, error: reportError(error) }, 'archive failed');
  }
}

/** Lists that grow with the dataset are spooled to disk, so that memory does not. */
type Spool = { readonly name: string; readonly path: string; readonly out: WriteStream };

async function writeArchive(
  store: ObjectStore,
  tenant: string,
  job: JobRecord,
): Promise<JobRecord['counts']> {
  const folder = await mkdtemp(join(tmpdir(), 'umbra-archive-'));
  const spool = (name: string): Spool => {
    const path = join(folder, name);
    return { name, path, out: createWriteStream(path) };
  };
  const spools = {
    manifest: spool('manifest.jsonl'),
    errors: spool('errors.jsonl'),
    sums: spool('SHA256SUMS'),
  };
  const zip = new ZipArchive({ zlib: { level: 6 } });
  const output = new PassThrough();
  zip.on('error', (error: Error) => output.destroy(error));
  zip.pipe(output);
  const stored = store.putStream(keys.archive(tenant, job.id), output);
  // Heard below; a failure before that must not count as unhandled.
  stored.catch(() => undefined);
  try {
    const add = async (name: string, content: Buffer, store = false) => {
      // An upload that failed would never drain the archive: wait for whichever comes first.
      const added = once(zip, 'entry');
      zip.append(content, { name, store });
      await Promise.race([added, stored.then(() => undefined)]);
    };
    const counts = { total: job.counts.total, completed: 0, failed: 0 };
    const manifest = await store.stream(keys.manifest(tenant, job.dataset));
    for await (const { value: item } of readJsonLines(manifest.body, datasetItem)) {
      const state = await addImage(store, tenant, job, item, spools, add);
      counts[state] += 1;
    }
    await add('provenance.json', provenanceOf(job, counts));
    for (const { name, path, out } of Object.values(spools)) {
      out.end();
      await finished(out);
      const added = once(zip, 'entry');
      zip.append(createReadStream(path), { name });
      await Promise.race([added, stored.then(() => undefined)]);
    }
    await zip.finalize();
    await stored;
    return counts;
  } catch (error) {
    output.destroy(error instanceof Error ? error : new Error(String(error)));
    await stored.catch(() => undefined);
    throw error;
  } finally {
    for (const { out } of Object.values(spools)) out.destroy();
    await rm(folder, { recursive: true, force: true });
  }
}

async function addImage(
  store: ObjectStore,
  tenant: string,
  job: JobRecord,
  item: DatasetItem,
  spools: { manifest: Spool; errors: Spool; sums: Spool },
  add: (name: string, content: Buffer, store?: boolean) => Promise<void>,
): Promise<'completed' | 'failed'> {
  const { id, name, sha256 } = item;
  const folder = `${folderName(name)}__${id}`;
  try {
    for (const file of Object.keys(resultFiles) as ResultFile[]) {
      const content = await store.get(keys.result(tenant, job.id, id, file));
      const digest = createHash('sha256').update(content).digest('hex');
      spools.sums.out.write(`${digest}  ${folder}/${file}\n`);
      await add(`${folder}/${file}`, content, file.endsWith('.png'));
    }
    await writeLine(spools.manifest, { id, name, sha256, state: 'completed', folder });
    return 'completed';
  } catch (error) {
    if (!hasCode(error, 'not_found')) throw error;
    const reason = await getJson(store, keys.error(tenant, job.id, id), errorReport);
    await writeLine(spools.errors, { id, name, error: reason });
    await writeLine(spools.manifest, { id, name, sha256, state: 'failed' });
    return 'failed';
  }
}

async function writeLine({ out }: Spool, value: unknown): Promise<void> {
  if (!out.write(`${JSON.stringify(value)}\n`)) await once(out, 'drain');
}

/** The image's name without folders and ending, in characters that every system can unpack. */
export function folderName(name: string): string {
  const base =
    name
      .split('/')
      .at(-1)
      ?.replace(/\.[^.]*$/, '') ?? '';
  return (
    base
      .replaceAll(/[^\p{L}\p{N}._-]+/gu, '_')
      .replace(/^\.+/, '')
      .slice(0, 100) || 'image'
  );
}

function provenanceOf(job: JobRecord, counts: JobRecord['counts']): Buffer {
  const { id, dataset, model, settings, createdAt, startedAt } = job;
  const facts = { job: id, dataset, model, settings, counts, createdAt, startedAt, umbraVersion };
  return Buffer.from(`${JSON.stringify(facts, null, 2)}\n`);
}
