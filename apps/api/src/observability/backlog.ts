import type { JobProgressStore, Progress } from '@umbra/platform/redis/job-progress';
import type { MeasuredModel, ThroughputStore } from '@umbra/platform/redis/throughput';
import { getJson } from '@umbra/platform/store/json';
import { matchKey } from '@umbra/platform/store/key-layout';
import { keys } from '@umbra/platform/store/keys';
import type { ObjectStore } from '@umbra/platform/store/store';
import { listTenants } from '@umbra/platform/tenancy/tenant';
import { type Cache, createCache } from '@umbra/shared/cache';
import { type JobRecord, storedJob } from '@umbra/shared/contracts/job';
import type { Reference } from '@umbra/shared/contracts/reference';
import { hasCode } from '@umbra/shared/errors';

/** Work that is not finished yet. */
export type Backlog = {
  /** Number of jobs that are not final. */
  readonly jobs: number;
  /** When the oldest of them was created, ms since the epoch; null where there is none. */
  readonly oldestMs: number | null;
  /** Positions not yet run, by the model's name. */
  readonly positions: ReadonlyMap<string, number>;
  /** Measured time of a position in one inference thread, s, by name: that of the slowest model so named. */
  readonly secondsPerPosition: ReadonlyMap<string, number>;
  /** Time that one inference thread would need for all positions, s. */
  readonly workSeconds: number;
};

/** Positions an image, assumed for inputs of varying size until the first image is finished. */
const assumedPositions = 200;
/** Seconds a position, assumed until a model has been measured. */
const assumedSecondsPerPosition = 0.02;
const readsAtOnce = 16;
const maxKnownRecords = 10_000;

/**
 * Reads the backlog from the job records and their progress, and not from the queue: the queue holds only a
 * window of each job, and nothing while Redis is being refilled.
 */
export function createBacklogReader(
  store: ObjectStore,
  progress: JobProgressStore,
  throughput: ThroughputStore,
): () => Promise<Backlog> {
  /** Records by tenant and id: the fields that are used never change, so each is read once. */
  const known = createCache<JobRecord>({ maxEntries: maxKnownRecords });
  return async () => {
    const records = await readRecords(store, known);
    const [measured, left] = await Promise.all([
      throughput.read(),
      Promise.all(
        records.map(async (job) => ({
          model: job.model,
          positions: positionsLeft(job, await progress.read(job.id)),
        })),
      ),
    ]);
    const secondsPerPosition = slowestByName(measured);
    const positions = new Map([...secondsPerPosition.keys()].map((name) => [name, 0]));
    for (const { model, positions: count } of left) {
      positions.set(model.name, (positions.get(model.name) ?? 0) + count);
    }
    const createdMs = records.map(({ createdAt }) => Date.parse(createdAt));
    return {
      jobs: records.length,
      oldestMs: createdMs.length === 0 ? null : Math.min(...createdMs),
      positions,
      secondsPerPosition,
      workSeconds: secondsOf(left, measured),
    };
  };
}

type Measured = ReadonlyMap<string, MeasuredModel>;

function slowestByName(measured: Measured): ReadonlyMap<string, number> {
  const slowest = new Map<string, number>();
  for (const { name, secondsPerPosition } of measured.values())
    slowest.set(name, Math.max(secondsPerPosition, slowest.get(name) ?? 0));
  return slowest;
}

type LeftPositions = Pick<JobRecord, 'model'> & { readonly positions: number };

/** Estimate the time of positions; a model that was never measured counts as slow as the slowest one. */
function secondsOf(left: readonly LeftPositions[], measured: Measured): number {
  const known = [...measured.values()].map(({ secondsPerPosition }) => secondsPerPosition);
  const fallback = known.length === 0 ? assumedSecondsPerPosition : Math.max(...known);
  return left.reduce(
    (sum, { model, positions }) =>
      sum + positions * (measured.get(model.digest)?.secondsPerPosition ?? fallback),
    0,
  );
}

/** Count a job's unfinished positions. @param live null before it starts, and after a loss of Redis. */
export function positionsLeft(
  { positionsPerImage, counts }: Pick<JobRecord, 'positionsPerImage' | 'counts'>,
  live: Progress | null,
): number {
  const { completed = 0, failed = 0, positions: done = 0 } = live ?? {};
  const perImage = positionsPerImage ?? (completed > 0 ? done / completed : assumedPositions);
  // Failed images are not run again; a shard that ran twice was counted twice.
  const left = perImage * (counts.total - failed) - done;
  return completed + failed >= counts.total ? 0 : Math.max(0, Math.round(left));
}

async function readRecords(store: ObjectStore, known: Cache<JobRecord>): Promise<JobRecord[]> {
  const records: JobRecord[] = [];
  for await (const batch of activeJobs(store)) {
    const read = batch.map(async (job) => {
      const name = `${job.tenant} ${job.id}`;
      const record = known.get(name) ?? (await readRecord(store, job));
      // A validating job learns its number of images later.
      if (record !== null && record.state !== 'validating') known.set(name, record);
      return record;
    });
    records.push(...(await Promise.all(read)).filter((record) => record !== null));
  }
  return records;
}

/** List every tenant's active jobs by their markers, in batches. */
async function* activeJobs(store: ObjectStore) {
  let batch: Reference[] = [];
  for await (const tenant of listTenants(store)) {
    for await (const { key } of store.list(keys.activeJobs(tenant))) {
      const marked = matchKey('activeJob', key);
      if (marked !== null) batch.push(marked);
      if (batch.length < readsAtOnce) continue;
      yield batch;
      batch = [];
    }
  }
  yield batch;
}

/** @returns null for a job that was removed while it was being queued. */
async function readRecord(
  store: ObjectStore,
  { tenant, id }: Reference,
): Promise<JobRecord | null> {
  try {
    return await getJson(store, keys.job(tenant, id), storedJob);
  } catch (error) {
    if (hasCode(error, 'not_found')) return null;
    throw error;
  }
}
