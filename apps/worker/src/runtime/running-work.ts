import { queueNames } from '@umbra/platform/queues/names';
import type { RanWork } from '@umbra/platform/redis/worker-registry';
import { workSteps } from '@umbra/shared/contracts/worker';

/** The queue jobs that this process runs now. */
export type RunningSteps = {
  /** @param queue Queue of the job. @returns To be called when it has ended. */
  begin(queue: string, payload: unknown): () => void;
  /** At most as many as the process runs at once. */
  list(): RanWork[];
};

export function createRunningSteps(): RunningSteps {
  const running = new Set<{ readonly work: Omit<RanWork, 'ranMs'>; readonly beganMs: number }>();
  return {
    begin(queue, payload) {
      const work = describeWork(queue, payload);
      if (work === null) return () => {};
      const entry = { work, beganMs: performance.now() };
      running.add(entry);
      return () => running.delete(entry);
    },
    list: () =>
      [...running].map(({ work, beganMs }) => ({
        ...work,
        ranMs: Math.round(performance.now() - beganMs),
      })),
  };
}

/**
 * Describe a payload that another version may have written.
 *
 * @returns null for work that is no tenant's, such as the dispatcher's.
 */
export function describeWork(queue: string, payload: unknown): Omit<RanWork, 'ranMs'> | null {
  const name = queue === queueNames.shardTfjs ? queueNames.shard : queue;
  const step = workSteps.find((one) => one === name);
  const given = (payload ?? {}) as Record<string, unknown> & {
    readonly item?: { readonly id?: unknown };
    readonly model?: { readonly name?: unknown };
  };
  const { tenant, jobId, item, model, rowStart: start, rowEnd: end } = given;
  if (step === undefined || typeof tenant !== 'string') return null;
  const hasRows = Number.isInteger(start) && Number.isInteger(end);
  return {
    step,
    tenant,
    job: textOf(jobId),
    image: textOf(item?.id),
    rows: hasRows ? { start: Number(start), end: Number(end) } : null,
    model: textOf(model?.name),
  };
}

const textOf = (value: unknown): string | null => (typeof value === 'string' ? value : null);
