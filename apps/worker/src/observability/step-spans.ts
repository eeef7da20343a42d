import { queueNames } from '@umbra/platform/queues/names';
import { type SpanAttributes, type Tracing, telemetryOf } from '@umbra/platform/telemetry/tracing';
import type { Job } from 'bullmq';
import type { QueueStep } from '../runtime/step.js';

/** The dispatcher runs for as long as its process, for all jobs: it is no part of any trace. */
const isForAll = (step: Pick<QueueStep, 'name'>): boolean => step.name === queueNames.dispatch;

/** BullMQ worker options that give each run of a step a span. */
export const spansOf = (tracing: Tracing, step: Pick<QueueStep, 'name'>) =>
  isForAll(step) ? {} : telemetryOf(tracing);

/** Add the ids of a queue job to the span of its run. */
export function describeRun(tracing: Tracing, step: Pick<QueueStep, 'name'>, job: Job): void {
  if (tracing.telemetry === undefined || isForAll(step)) return;
  tracing.describe({ ...idsOf(job.data), 'umbra.attempt': job.attemptsMade + 1 });
}

/** Ids in a payload that another version may have written: what is missing is left out. */
function idsOf(payload: unknown): SpanAttributes {
  const work = (payload ?? {}) as Record<string, unknown> & {
    item?: { id?: unknown };
    model?: { name?: unknown };
  };
  const ids = {
    'umbra.tenant': work.tenant,
    'umbra.job': work.jobId,
    'umbra.image': work.item?.id,
    'umbra.model': work.model?.name,
    'umbra.row.start': work.rowStart,
    'umbra.row.end': work.rowEnd,
  };
  return Object.fromEntries(
    Object.entries(ids).filter(
      (entry): entry is [string, string | number] =>
        typeof entry[1] === 'string' || typeof entry[1] === 'number',
    ),
  );
}
