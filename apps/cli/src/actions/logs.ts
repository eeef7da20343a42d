import { followEvents, isEnded, type ServerEvent } from '@umbra/client';
import { firstEventId, type JobEventData, type JobEventName } from '@umbra/shared/contracts/event';
import { escapeHidden } from '@umbra/shared/visible-text';
import { comeBackTo } from '../lib/follow-job.js';
import { comingBackBy } from '../lib/interrupts.js';
import { printJson } from '../lib/output.js';
import { openPatientService, type PatientFlags } from '../lib/service.js';

export type LogsOptions = PatientFlags & { readonly follow?: boolean; readonly json?: boolean };

/** No event for so long, where only those so far are asked for: they have all come. */
const quietMs = 1_000;

/** Print the events of a job so far, and then each as it happens until the job has ended. */
export async function logs(id: string, options: LogsOptions): Promise<void> {
  const client = await openPatientService(options);
  const job = await client.getJob(id);
  // The stream of an ended job ends by itself.
  const follows = options.follow !== false || isEnded(job);
  const path = `/v1/jobs/${encodeURIComponent(id)}/events`;
  const abort = new AbortController();
  let quiet: NodeJS.Timeout | undefined;
  const endIfQuiet = (): void => {
    clearTimeout(quiet);
    if (!follows) quiet = setTimeout(() => abort.abort(), quietMs);
  };
  try {
    await comingBackBy(comeBackTo(id), async () => {
      const events = followEvents(client, path, {
        lastEventId: firstEventId,
        signal: abort.signal,
        // Not before: a slow service may take longer to answer.
        onOpen: endIfQuiet,
      });
      for await (const event of events) {
        print(event, options.json === true);
        endIfQuiet();
      }
    });
  } catch (error) {
    if (!abort.signal.aborted) throw error;
  } finally {
    clearTimeout(quiet);
  }
}

/** A `reset` tells that earlier events are no longer kept. */
type Told = { readonly [N in JobEventName]: { event: N; data: JobEventData<N> } }[JobEventName];

function print({ id, event, data }: ServerEvent, json: boolean): void {
  const ms = Number(id.split('-')[0]);
  // What stands for events that are gone may have no time of its own.
  const at = ms === 0 ? null : new Date(ms).toISOString();
  const content = JSON.parse(data) as object;
  if (json) {
    printJson({ id, at, event, ...content });
    return;
  }
  const words =
    event === 'reset'
      ? 'earlier events are no longer kept'
      : describe({ event, data: content } as Told);
  process.stdout.write(`${at ?? 'time unknown'}  ${escapeHidden(words)}\n`);
}

function describe(told: Told): string {
  if (told.event === 'progress') {
    const { completed, failed, positions } = told.data;
    return `progress  ${positions} positions, ${completed} images explained, ${failed} failed`;
  }
  const { error } = told.data;
  const reason = error === null ? '' : `: ${error.message}`;
  if (told.event === 'image') return `image     ${told.data.id} ${told.data.state}${reason}`;
  const { completed, total } = told.data.counts;
  return `state     ${told.data.state}, ${completed} of ${total} images explained${reason}`;
}
