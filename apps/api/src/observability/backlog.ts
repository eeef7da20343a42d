import type { JobProgressStore, Progress } from '@umbra/platform/redis/job-progress';
import type { ThroughputStore } from '@umbra/platform/redis/throughput';
import { getJson } from '@umbra/platform/store/json';
import { matchKey } from '@umbra/platform/store/key-layout';
import { keys } from '@umbra/platform/store/keys';
import type { ObjectStore } from '@umbra/platform/store/store';
import { listTenants } from '@umbra/platform/tenancy/tenant';
import { type JobRecord, storedJob } from '@umbra/shared/contracts/job';
import { hasCode } from '@umbra/shared/errors';

/** The work that users wait for. */
export type Backlog = {
  readonly jobs: number;
  /** When the oldest job that is not final was made; null where there is none. */
  readonly oldestMs: number | null;
  /** Positions not yet run, by model. */
  readonly positions: ReadonlyMap<string, number>;
  /** Seconds a position, by model. */
  readonly throughput: ReadonlyMap<string, number>;
  /** What one inference thread would need for all of it, s. */
  readonly workSeconds: number;
};

/** Positions of an image of a job whose images vary in size, before the first is finished. */
const assumedPositions = 200;
/** Seconds a position where no model has been measured yet. */
const assumedSecondsPerPosition = 0.02;
const readsAtOnce = 16;

/**
 * Reads the backlog from the job records and their progress, and not from the queue: only a window of
 * each job is in the queue, and none of it while Redis is being refilled.
 */
export function createBacklogReader(
  store: ObjectStore,
  progress: JobProgressStore,
  throughput: ThroughputStore,
): () => Promise<Backlog> {
  /** What is read of a record never changes, so each is read once. */
  let known = new Map<string, JobRecord>();
  return async () => {
    const records = await readRecords(store, known);
    known = new Map(records.map((record) => [record.id, record]));
    const [secondsPerPosition, left] = await Promise.all([
      throughput.read(),
      Promise.all(
        records.map(async (job) => ({
          model: job.model.name,
          positions: positionsLeft(job, await progress.read(job.id)),
        })),
      ),
    ]);
    const positions = new Map([...secondsPerPosition.keys()].map((model) => [model, 0]));
    for (const { model, positions: count } of left) {
      positions.set(model, (positions.get(model) ?? 0) + count);
    }
    const made = records.map(({ createdAt }) => Date.parse(createdAt));
    return {
      jobs: records.length,
      oldestMs: made.length === 0 ? null : Math.min(...made),
      positions,
      throughput: secondsPerPosition,
      workSeconds: secondsOf(positions, secondsPerPosition),
    };
  };
}

/** A model that was never measured is taken to be as slow as the slowest that was. */
function secondsOf(
  positions: ReadonlyMap<string, number>,
  secondsPerPosition: ReadonlyMap<string, number>,
): number {
  const fallback =
    secondsPerPosition.size === 0
      ? assumedSecondsPerPosition
      : Math.max(...secondsPerPosition.values());
  let seconds = 0;
  for (const [model, count] of positions)
    seconds += count * (secondsPerPosition.get(model) ?? fallback);
  return seconds;
}

/** @param live null before a job starts, and after Redis was lost. */
export function positionsLeft(
  { positionsPerImage, counts }: Pick<JobRecord, 'positionsPerImage' | 'counts'>,
  live: Progress | null,
): number {
  const { completed = 0, failed = 0, positions: done = 0 } = live ?? {};
  const perImage = positionsPerImage ?? (completed > 0 ? done / completed : assumedPositions);
  // Failed images are never run; a shard that ran twice counted twice.
  const left = perImage * (counts.total - failed) - done;
  return completed + failed >= counts.total ? 0 : Math.max(0, Math.round(left));
}

async function readRecords(
  store: ObjectStore,
  known: ReadonlyMap<string, JobRecord>,
): Promise<JobRecord[]> {
  const records: JobRecord[] = [];
  for await (const batch of activeJobs(store)) {
    const read = batch.map(({ tenant, id }) => known.get(id) ?? readRecord(store, tenant, id));
    records.push(...(await Promise.all(read)).filter((record) => record !== null));
  }
  return records;
}

/** The marks of every tenant's jobs that are not final, some at once. */
async function* activeJobs(store: ObjectStore) {
  let batch: { readonly tenant: string; readonly id: string }[] = [];
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

/** @returns null for a job that was withdrawn while it was being queued. */
async function readRecord(
  store: ObjectStore,
  tenant: string,
  id: string,
): Promise<JobRecord | null> {
  try {
    return await getJson(store, keys.job(tenant, id), storedJob);
  } catch (error) {
    if (hasCode(error, 'not_found')) return null;
    throw error;
  }
}
