import { isFinal, type JobRecord, type JobStatus, keys } from '@umbra/shared';
import type { Context } from './context.js';

/** The record with the progress that Redis has of it. */
export async function statusOf(
  context: Context,
  tenant: string,
  job: JobRecord,
): Promise<JobStatus> {
  const per = job.positionsPerImage;
  const total = per === null ? null : per * job.counts.total;
  if (isFinal(job.state)) {
    const done = per === null ? 0 : per * job.counts.completed;
    return { ...job, positions: { done, total }, ...unknownPace, waitingFor: null };
  }
  const isCancelled = (await context.store.head(keys.cancellation(tenant, job.id))) !== null;
  if (isCancelled) return { ...(await progressOf(context, job, total, null)), state: 'cancelling' };
  return progressOf(context, job, total, await missingWorker(context, job));
}

async function progressOf(
  { progress }: Context,
  job: JobRecord,
  total: number | null,
  waitingFor: string | null,
): Promise<JobStatus> {
  const live = await progress.read(job.id);
  if (live === null) {
    return { ...job, positions: { done: 0, total }, ...unknownPace, waitingFor };
  }
  const { completed, failed, positions } = live;
  // A shard that ran twice counted twice.
  const done = total === null ? positions : Math.min(positions, total);
  return {
    ...job,
    counts: { ...job.counts, completed, failed },
    positions: { done, total },
    ...paceOf(done, total, live.startedAtMs),
    waitingFor,
  };
}

/** The kind of worker that a job needs and that nobody is; null where there is one. */
async function missingWorker(
  { formatOf, fleet }: Context,
  { state, model }: JobRecord,
): Promise<string | null> {
  if (state === 'finalizing') return null;
  const format = await formatOf(model);
  const workers = await fleet.list();
  if (workers.some(({ formats }) => formats.includes(format))) return null;
  const live = workers.filter(({ lanes }) => lanes > 0).length;
  return `a worker that runs ${format} models; none of the ${live} live workers does`;
}

const unknownPace = { positionsPerSecond: null, etaSeconds: null } as const;

function paceOf(done: number, total: number | null, startedAtMs: number) {
  if (done === 0) return unknownPace;
  const perPosition = (Date.now() - startedAtMs) / 1000 / done;
  const eta = total === null ? null : Math.round(perPosition * (total - done) * 10) / 10;
  return { positionsPerSecond: Math.round(10 / perPosition) / 10, etaSeconds: eta };
}
