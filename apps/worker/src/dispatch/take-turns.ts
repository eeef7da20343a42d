import type { JobLive } from '@umbra/platform/redis/job-progress';
import type { Flow, RoundRobin } from '@umbra/shared/scheduling/deficit-round-robin';
import type { ManifestEntry } from './manifest-reader.js';
import { hasRoom, type QueueWindow } from './queue-window.js';
import type { LoadedJob } from './tracked-job.js';

/** A job whose next image can be queued now, and what one of its images costs, inference thread seconds. */
export type ReadyJob = {
  readonly tracked: LoadedJob;
  readonly live: JobLive;
  readonly cost: number;
};

/**
 * Images in the order in which they are queued, until the window is full: between tenants by their
 * weights, and between a tenant's most urgent jobs evenly.
 */
export function takeTurns(
  ready: readonly ReadyJob[],
  robin: RoundRobin,
  window: QueueWindow,
  weightOf: (tenant: string) => number,
): Map<ReadyJob, ManifestEntry[]> {
  const taken = new Map<ReadyJob, ManifestEntry[]>();
  const byId = new Map(ready.map((one) => [one.tracked.jobId, one]));
  let flows = flowsOf([...byId.values()], weightOf);
  while (hasRoom(window)) {
    const turn = byId.get(robin.next(flows) ?? '');
    if (turn === undefined) break;
    const { reader } = turn.tracked;
    if (reader?.peek() === undefined) {
      byId.delete(turn.tracked.jobId);
      flows = flowsOf([...byId.values()], weightOf);
      continue;
    }
    const entries = taken.get(turn) ?? [];
    entries.push(reader.take());
    taken.set(turn, entries);
    window.images += 1;
    window.seconds += turn.cost;
  }
  return taken;
}

function flowsOf(ready: readonly ReadyJob[], weightOf: (tenant: string) => number): Flow[] {
  const urgent = new Map<string, { priority: number; jobs: ReadyJob[] }>();
  for (const one of ready) {
    const { tenant, job } = one.tracked;
    const { priority } = job;
    const known = urgent.get(tenant);
    if (known === undefined || priority > known.priority) {
      urgent.set(tenant, { priority, jobs: [one] });
    } else if (priority === known.priority) known.jobs.push(one);
  }
  return [...urgent].flatMap(([tenant, { jobs }]) =>
    jobs.map(({ tracked, cost }) => ({
      id: tracked.jobId,
      weight: weightOf(tenant) / jobs.length,
      cost,
    })),
  );
}
