import { createWriteStream } from 'node:fs';
import { appendFile, mkdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { JobProgressStore } from '@umbra/platform/redis/job-progress';
import { keys } from '@umbra/platform/store/keys';
import { listErrors, listResults } from '@umbra/platform/store/list-ended';
import { makeRow } from '@umbra/platform/store/make-row';
import { readUntil } from '@umbra/platform/store/read-until';
import type { ObjectStore } from '@umbra/platform/store/store';
import type { Logger } from '@umbra/platform/telemetry/logger';
import { mapInOrder } from '@umbra/shared/concurrency';
import { isFinal, type JobRecord } from '@umbra/shared/contracts/job';
import type { StoredRow } from '@umbra/shared/contracts/row';
import { AppError, hasCode, notFound } from '@umbra/shared/errors';
import { imageIndexOf } from '@umbra/shared/ids';
import { quote, type RowDatabase } from './database.js';
import { addRows, fillRows, moveState } from './load-rows.js';
import { readWhole } from './mend-lines.js';

export type RowIndexServices = {
  readonly store: ObjectStore;
  readonly progress: JobProgressStore;
  readonly logger: Logger;
};

/** The index of one job's rows, in a database of its own. */
export type JobIndex = {
  /** Name of its database. */
  readonly schema: string;
  /** Whether it holds rows of this attempt of the job: `update` brings it up to date. */
  isOf(job: JobRecord): boolean;
  /** Whether nothing of the job will change any more. */
  isComplete(): boolean;
  /**
   * Read all of a job's rows.
   *
   * @throws {AppError} `conflict` where too many of them were never kept; `not_found` where its dataset is gone.
   */
  fill(job: JobRecord, signal: AbortSignal): Promise<void>;
  /** Read the rows that came since then. */
  update(job: JobRecord, signal: AbortSignal): Promise<void>;
  /** Size of its file, bytes. */
  bytes(): Promise<number>;
  remove(): Promise<void>;
};

/** Downloads of segments that overlap; each is some hundred kilobytes. */
const downloadsAtOnce = 8;
/** Rows that are read from Redis at once: some megabytes. */
const pageRows = 4_096;
/** Rows that are made from results one by one, where a job ended before rows were kept. */
const maxMade = 10_000;
const readsAtOnce = 16;
const noRows = { epoch: '', drained: 0, rows: 0 };

/** @param schema Name that no other index has. */
export function createJobIndex(
  { store, progress, logger }: RowIndexServices,
  database: RowDatabase,
  { tenant, schema }: { readonly tenant: string; readonly schema: string },
): JobIndex {
  const path = join(database.folder, `${schema}.duckdb`);
  const files = join(database.folder, schema);
  /** The attempt that its rows are of; null until it is filled. */
  let attempt: number | null = null;
  let isComplete = false;
  const loaded = new Set<string>();
  /** Rows of the job that were read from Redis, or had gone from there. */
  let seen = noRows;
  let running: ReadonlySet<number> = new Set();
  let fileNumber = 0;

  /** Names sort in the order of calls. */
  const newFile = (ending: string): string => {
    fileNumber += 1;
    return join(files, `${String(fileNumber).padStart(8, '0')}.${ending}`);
  };
  const download = async (key: string, file: string, signal: AbortSignal): Promise<void> => {
    signal.throwIfAborted();
    const { body } = await store.stream(key, undefined, signal);
    await pipeline(body, createWriteStream(file), { signal });
  };
  const writeLines = async (lines: readonly string[]): Promise<string> => {
    const file = newFile('jsonl');
    await writeFile(file, toText(lines));
    return file;
  };
  async function* newSegments(jobId: string, signal: AbortSignal) {
    for await (const { key } of store.list(keys.rowSegments(tenant, jobId), { signal })) {
      if (!loaded.has(key)) yield { key, file: newFile('jsonl.gz') };
    }
  }
  /** @returns Files of the segments that were not read before, and their keys. */
  const readSegments = async (jobId: string, signal: AbortSignal) => {
    const found: { readonly key: string; readonly file: string }[] = [];
    const downloaded = mapInOrder(
      newSegments(jobId, signal),
      { atOnce: downloadsAtOnce },
      async (segment) => {
        await download(segment.key, segment.file, signal);
        return segment;
      },
    );
    for await (const segment of downloaded) found.push(segment);
    return found;
  };
  /**
   * Read rows that are in Redis yet, page by page. Before the segments: what goes from here into one
   * meanwhile is found there then.
   */
  const readTail = async (jobId: string) => {
    // After all segments in the order of writing.
    const file = newFile('jsonl').replace(/[^/]*$/, 'tail-$&');
    let { epoch, drained, rows: from } = seen;
    let isEmpty = true;
    for (;;) {
      const page = await progress.readRows(jobId, { from, limit: pageRows });
      // Redis was lost: they are counted anew.
      const isAnew = page.epoch !== epoch || page.drained < drained;
      ({ epoch, drained } = page);
      if (isAnew && from > 0) {
        from = 0;
        continue;
      }
      if (page.rows.length > 0) {
        await appendFile(file, toText(page.rows));
        isEmpty = false;
      }
      from = Math.max(drained, from) + page.rows.length;
      if (page.rows.length < pageRows)
        return { epoch, drained, rows: from, files: isEmpty ? [] : [file] };
    }
  };
  /** Read what is new, into files. */
  const readNew = async (job: JobRecord, signal: AbortSignal) => {
    const tail = isFinal(job.state) ? null : await readTail(job.id);
    const isSame = tail?.epoch === seen.epoch && tail.drained === seen.drained;
    const segments = isSame && attempt !== null ? [] : await readSegments(job.id, signal);
    const keep = () => {
      for (const { key } of segments) loaded.add(key);
      if (tail === null) return;
      const { epoch, drained, rows } = tail;
      seen = { epoch, drained, rows };
    };
    return { files: [...segments.map(({ file }) => file), ...(tail?.files ?? [])], keep };
  };
  const add = (job: JobRecord, signal: AbortSignal, rows: readonly string[]): Promise<void> =>
    readWhole({ rows }, { jobId: job.id, logger, signal }, (files) =>
      database.within(signal, (session) => addRows(session, schema, files.rows, job.attempt)),
    );
  const updateRunning = async (job: JobRecord, signal: AbortSignal): Promise<void> => {
    const inFlight = isFinal(job.state) ? [] : await progress.listInFlight(job.id);
    const now = new Set(inFlight.map(({ index }) => index));
    const ended = [...running].filter((index) => !now.has(index));
    const begun = [...now].filter((index) => !running.has(index));
    await database.within(signal, async (session) => {
      await moveState(session, schema, ended, { from: 'running', to: 'pending' });
      await moveState(session, schema, begun, { from: 'pending', to: 'running' });
    });
    running = now;
  };
  /** Positions of the images that have no row yet. */
  const findLacking = (signal: AbortSignal): Promise<Set<number>> =>
    database.within(signal, async (session) => {
      const found = await session.read(
        `SELECT "index" FROM ${schema}.rows WHERE state NOT IN ('completed', 'failed')`,
      );
      return new Set(found.map(([index]) => Number(index)));
    });
  /** Make the rows of a job that ended before rows were kept, or whose last ones were lost with Redis. */
  const makeMissing = async (job: JobRecord, signal: AbortSignal): Promise<void> => {
    const lacking = await findLacking(signal);
    const { total, completed, failed } = job.counts;
    const missing = completed + failed - (total - lacking.size);
    if (missing <= 0) return;
    if (missing > maxMade) {
      throw new AppError(
        'conflict',
        `Job '${job.id}' has no rows: it ended before they were kept, and they are made for at most ${maxMade} images (got ${missing})`,
      );
    }
    const own = { tenant, id: job.id };
    const reading = readUntil(store, signal);
    const ended = async function* () {
      for await (const image of listResults(reading, own)) yield [image, 'completed'] as const;
      for await (const image of listErrors(reading, own)) yield [image, 'failed'] as const;
    };
    const wanted = async function* () {
      for await (const one of ended()) if (lacking.delete(imageIndexOf(one[0]))) yield one;
    };
    const lines: string[] = [];
    const make = ([image, state]: readonly [string, StoredRow['state']]) => {
      signal.throwIfAborted();
      return makeRow(reading, { ...own, attempt: job.attempt }, image, { state });
    };
    for await (const line of mapInOrder(wanted(), { atOnce: readsAtOnce }, make)) {
      if (line !== null) lines.push(line);
    }
    if (lines.length > 0) await add(job, signal, [await writeLines(lines)]);
  };
  const finish = async (job: JobRecord, signal: AbortSignal): Promise<void> => {
    await updateRunning(job, signal);
    if (isFinal(job.state)) await makeMissing(job, signal);
    attempt = job.attempt;
    isComplete = isFinal(job.state);
  };
  const remove = async (): Promise<void> => {
    await database.within(new AbortController().signal, (session) =>
      session.run(`DETACH DATABASE IF EXISTS ${schema}`),
    );
    await Promise.all(
      [path, `${path}.wal`, files].map((one) => rm(one, { recursive: true, force: true })),
    );
    attempt = null;
    isComplete = false;
    loaded.clear();
    seen = noRows;
    running = new Set();
  };
  const inFolder = async (work: () => Promise<void>): Promise<void> => {
    await mkdir(files, { recursive: true });
    try {
      await work();
    } finally {
      await rm(files, { recursive: true, force: true });
    }
  };
  return {
    schema,
    isOf: (job) => attempt === job.attempt,
    isComplete: () => isComplete,
    async fill(job, signal) {
      await remove();
      await inFolder(async () => {
        const manifest = newFile('manifest.jsonl');
        await download(keys.manifest(tenant, job.dataset), manifest, signal).catch(
          async (error: unknown) => {
            if (!hasCode(error, 'not_found')) throw error;
            if (job.state !== 'validating') throw goneOf(job);
            await writeFile(manifest, '');
          },
        );
        const { files: segments, keep } = await readNew(job, signal);
        await database.within(signal, (session) =>
          session.run(`ATTACH ${quote(path)} AS ${schema}`),
        );
        await readWhole({ manifest, rows: segments }, { jobId: job.id, logger, signal }, (found) =>
          database.within(signal, async (session) => {
            const own = { manifest: found.manifest, segments: found.rows };
            await fillRows(session, schema, own, job.attempt);
            await session.run(`CHECKPOINT ${schema}`);
          }),
        );
        keep();
        await finish(job, signal);
      });
    },
    async update(job, signal) {
      await inFolder(async () => {
        const { files: fresh, keep } = await readNew(job, signal);
        if (fresh.length > 0) await add(job, signal, fresh);
        keep();
        await finish(job, signal);
      });
    },
    async bytes() {
      const sizes = await Promise.all(
        [path, `${path}.wal`].map((one) =>
          stat(one).then(
            ({ size }) => size,
            () => 0,
          ),
        ),
      );
      return sizes.reduce((sum, size) => sum + size, 0);
    },
    remove,
  };
}

const toText = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join('');

const goneOf = ({ id, dataset }: JobRecord) =>
  notFound(`Dataset '${dataset}' of job '${id}' is gone, and the names of its images with it`);
