import { findJobRecord } from '@umbra/platform/store/delete';
import { compareEventIds, type JobEvent, type JobEventData } from '@umbra/shared/contracts/event';
import { isFinal, type JobState } from '@umbra/shared/contracts/job';
import { notFound } from '@umbra/shared/errors';
import type { Response } from 'express';
import type { ApiServices } from '../services.js';
import { statusOf } from './job-status.js';

export type Follower = {
  readonly tenant: string;
  readonly jobId: string;
  /** The last event that the client has; null for one that begins. */
  readonly lastId: string | null;
  readonly response: Response;
};

/** A client that reads more slowly than its job goes on is cut off; it may go on where it was. */
const unreadBytes = 1024 * 1024;

/**
 * Send a job's events as they happen, until its last one or until the client leaves.
 *
 * Events are heard before the past is read, and kept until that has been sent: so none is missed, and
 * ids, which grow, tell which were sent already.
 *
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
export async function streamEvents(context: ApiServices, follower: Follower): Promise<void> {
  const { tenant, jobId, response } = follower;
  let waiting: JobEvent[] | null = [];
  let sentId = follower.lastId;
  let isEnded = false;

  const end = () => {
    isEnded = true;
    response.end();
  };
  const write = (id: string, text: string, isLast: boolean) => {
    if (isEnded || response.destroyed) return;
    sentId = id;
    response.write(text);
    if (response.writableLength > unreadBytes) response.destroy();
    if (isLast) end();
  };
  const send = (event: JobEvent) => {
    if (sentId !== null && compareEventIds(event.id, sentId) <= 0) return;
    write(event.id, textOf(event), isLastEvent(event));
  };
  const flush = () => {
    const events = waiting ?? [];
    waiting = null;
    for (const event of events) send(event);
  };
  const catchUp = async (): Promise<void> => {
    const missed = sentId === null ? null : await context.events.readAfter(tenant, jobId, sentId);
    if (missed !== null) for (const event of missed) send(event);
    else await sendSnapshot(context, follower, sentId, write);
    flush();
  };
  let turn = Promise.resolve();
  const stop = await context.hub.follow(tenant, jobId, {
    event: (event) => (waiting === null ? send(event) : waiting.push(event)),
    lost() {
      waiting ??= [];
      turn = turn.then(catchUp).catch(() => void response.destroy());
    },
    beat: () => response.headersSent && !isEnded && response.write(': still here\n\n'),
    end,
  });
  response.once('close', stop);
  // A client may have left before it was followed, and then nothing tells of that any more.
  if (response.closed) return stop();
  if (await hasAll(context, follower)) {
    // Anything else has browsers connect again, for ever.
    response.status(204).end();
    return;
  }
  response.status(200).set({
    'Content-Type': 'text/event-stream',
    'Cache-Control': 'no-store',
    'X-Accel-Buffering': 'no',
  });
  response.flushHeaders();
  turn = catchUp();
  await turn;
}

/** Whether a job has ended and the client has its last event. */
async function hasAll(
  { events, store }: ApiServices,
  { tenant, jobId, lastId }: Follower,
): Promise<boolean> {
  if (lastId === null || (await events.lastId(tenant, jobId)) !== lastId) return false;
  const job = await findJobRecord(store, tenant, jobId);
  return job !== null && isFinal(job.state);
}

/** Where there is no past to go on from: how things stand, under the id of the event that led there. */
async function sendSnapshot(
  context: ApiServices,
  { tenant, jobId, lastId }: Follower,
  sentId: string | null,
  write: (id: string, text: string, isLast: boolean) => void,
): Promise<void> {
  // Before the state is read: what happens meanwhile is sent after it.
  const id = await context.events.lastId(tenant, jobId);
  const job = await findJobRecord(context.store, tenant, jobId);
  if (job === null) throw notFound(`Job '${jobId}' is gone`);
  const { state, counts, error, positions } = await statusOf(context, job);
  if (sentId !== null || lastId !== null) {
    write(id, format(id, 'reset', JSON.stringify({ lastEventId: sentId ?? lastId })), false);
  }
  const { completed, failed } = counts;
  const progress: JobEventData<'progress'> = { completed, failed, positions: positions.done };
  write(id, format(id, 'progress', JSON.stringify(progress)), false);
  const now: JobEventData<'state'> = { state, counts, error };
  write(id, format(id, 'state', JSON.stringify(now)), isFinal(job.state));
}

const format = (id: string, name: string, data: string): string =>
  `id: ${id}\nevent: ${name}\ndata: ${data}\n\n`;

/** Written once, however many clients it is sent to. */
const texts = new WeakMap<JobEvent, string>();

function textOf(event: JobEvent): string {
  const known = texts.get(event);
  if (known !== undefined) return known;
  const text = format(event.id, event.name, event.data);
  texts.set(event, text);
  return text;
}

function isLastEvent({ name, data }: JobEvent): boolean {
  if (name !== 'state') return false;
  return isFinal((JSON.parse(data) as { state: JobState }).state);
}
