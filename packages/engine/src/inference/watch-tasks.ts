import { at } from '@umbra/shared/assert';

/** A task of an inference thread that does not end in the time that it should. */
export type LateTask = {
  /** Digest of the model that it runs. */
  readonly model: string;
  /** How long it has run, s. */
  readonly seconds: number;
};

export type TaskDeadline = {
  /** Time that a task has at least, ms; more where those of the model take long. */
  readonly minMs: number;
  /** Called once for a late task, in the asynchronous context of who asked for it. */
  readonly onLate: (late: LateTask) => void;
};

/** Runs a model's tasks, and tells of those that do not end. */
export type TaskWatch = <T>(task: () => Promise<T>) => Promise<T>;

/** A task is late beyond this many times the median of the model's last ones. */
const maxMedians = 20;
const keptDurations = 64;
const maxTickMs = 1_000;

/**
 * Watch one model's tasks. Time is counted in ticks of this process: one that was frozen finds no task
 * late when it goes on.
 */
export function watchTasks(model: string, { minMs, onLate }: TaskDeadline): TaskWatch {
  const durations: number[] = [];
  let next = 0;
  const tickMs = Math.min(maxTickMs, minMs / 4);
  const limitMs = () => Math.max(minMs, maxMedians * medianOf(durations));
  return async (task) => {
    const startedAt = performance.now();
    let ticks = 0;
    const timer = setInterval(() => {
      ticks += 1;
      const tookMs = ticks * tickMs;
      if (tookMs < limitMs()) return;
      clearInterval(timer);
      onLate({ model, seconds: Math.round(tookMs) / 1000 });
    }, tickMs);
    try {
      return await task();
    } finally {
      clearInterval(timer);
      durations[next] = performance.now() - startedAt;
      next = (next + 1) % keptDurations;
    }
  };
}

function medianOf(values: readonly number[]): number {
  if (values.length === 0) return 0;
  const sorted = values.toSorted((a, b) => a - b);
  return at(sorted, sorted.length >> 1);
}
