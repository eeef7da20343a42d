import { queueNames } from '@umbra/platform/queues/queues';
import { type SpanAttributes, type Tracing, telemetryOf } from '@umbra/platform/telemetry/tracing';
import type { Step } from '../runtime/consume.js';

/** The dispatcher runs for as long as its process, for all jobs: it is no part of any trace. */
const isForAll = (step: Pick<Step, 'name'>): boolean => step.name === queueNames.dispatch;

/** Say in a step's span whose work it is. */
export function traceStep(tracing: Tracing, step: Step): Step {
  if (tracing.telemetry === undefined || isForAll(step)) return step;
  const { run } = step;
  return {
    ...step,
    run(services, job, token) {
      tracing.describe({ ...idsOf(job.data), 'umbra.attempt': job.attemptsMade + 1 });
      return run(services, job, token);
    },
  };
}

/** What a step's consumer is given to have spans. */
export const stepTelemetry = (tracing: Tracing, step: Pick<Step, 'name'>) =>
  isForAll(step) ? {} : telemetryOf(tracing);

/** Written by our own steps, perhaps of another version: what is not there is left out. */
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
