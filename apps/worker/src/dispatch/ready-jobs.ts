import type { ShardQueue } from '@umbra/platform/queues/names';
import { type WindowKind, windowKindOf } from './queue-window.js';
import type { LoadedJob, TrackedJob } from './tracked-job.js';

/** Jobs of one tenant that take turns at once; those behind them follow in rotation. */
const jobsAtOnce = 64;

/** Jobs that have images to queue, in the order of their turns. */
export type ReadyJobs = {
  add(tracked: LoadedJob): void;
  remove(tracked: TrackedJob): void;
  /** Let a job that had its turn wait behind the others of its tenant. */
  rotate(tracked: LoadedJob): void;
  /** @returns The next jobs of each tenant, of those that are its most urgent. */
  next(queue: ShardQueue, kind: WindowKind): LoadedJob[];
  count(): number;
};

type Line = {
  readonly queue: ShardQueue;
  readonly kind: WindowKind;
  readonly tenant: string;
  readonly priority: number;
  readonly jobs: Set<LoadedJob>;
};

export function createReadyJobs(): ReadyJobs {
  const lines = new Map<string, Line>();
  const lineOf = new Map<TrackedJob, Line>();
  const open = ({ tenant, job, loaded }: LoadedJob): Line => {
    const kind = windowKindOf(job);
    const name = `${loaded.queue} ${kind} ${job.priority} ${tenant}`;
    const known = lines.get(name);
    if (known !== undefined) return known;
    const { queue } = loaded;
    const line = { queue, kind, tenant, priority: job.priority, jobs: new Set<LoadedJob>() };
    lines.set(name, line);
    return line;
  };
  const remove = (tracked: TrackedJob): void => {
    const line = lineOf.get(tracked);
    lineOf.delete(tracked);
    line?.jobs.delete(tracked as LoadedJob);
    if (line?.jobs.size === 0) {
      lines.delete(`${line.queue} ${line.kind} ${line.priority} ${line.tenant}`);
    }
  };
  const add = (tracked: LoadedJob): void => {
    if (lineOf.has(tracked)) return;
    const line = open(tracked);
    line.jobs.add(tracked);
    lineOf.set(tracked, line);
  };
  return {
    add,
    remove,
    rotate(tracked) {
      if (!lineOf.has(tracked)) return;
      remove(tracked);
      add(tracked);
    },
    next(queue, kind) {
      const urgent = new Map<string, Line>();
      for (const line of lines.values()) {
        if (line.queue !== queue || line.kind !== kind) continue;
        const known = urgent.get(line.tenant);
        if (known === undefined || line.priority > known.priority) urgent.set(line.tenant, line);
      }
      return [...urgent.values()].flatMap(({ jobs }) => firstOf(jobs, jobsAtOnce));
    },
    count: () => lineOf.size,
  };
}

function firstOf<T>(values: Iterable<T>, count: number): T[] {
  const found: T[] = [];
  for (const value of values) {
    if (found.length >= count) break;
    found.push(value);
  }
  return found;
}
