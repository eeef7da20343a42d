import type { PublishedBand } from '@umbra/platform/redis/job-event-log';
import { findJobRecord } from '@umbra/platform/store/job-records';
import {
  type BandEvent,
  compareEventIds,
  type JobEvent,
  type JobEventData,
} from '@umbra/shared/contracts/event';
import { isFinal, type JobState } from '@umbra/shared/contracts/job';
import { notFound } from '@umbra/shared/errors';
import type { Response } from 'express';
import type { ApiServices } from '../services.js';
import { type JobStatusServices, statusOf } from './job-status.js';

export type EventServices = JobStatusServices &
  Pick<ApiServices, 'config' | 'store' | 'events' | 'hub' | 'turns' | 'readTenant' | 'polledJobs'>;

/** A client that follows a job. */
export type Follower = {
  readonly tenant: string;
  readonly jobId: string;
  /** Id of the last event that the client has; null where it has none. */
  readonly lastId: string | null;
  /** Which images' bands of scores the client asks for; null for none. */
  readonly bands: 'all' | { readonly image: string } | null;
  /** Life of its stream, ms: who goes on after it shows its key again. */
  readonly maxMs: number;
  readonly response: Response;
};

/** A client with more unread bytes is disconnected; it may resume after its last event. */
const maxUnreadBytes = 1024 * 1024;
/** Pause before a client connects again: after a break, and after the end of a stream's life, ms. */
const pauseMs = { broken: 1_000, ended: 100 } as const;

/**
 * Stream a job's events to a client as they happen, until the last one, the end of the stream's life or until the
 * client disconnects.
 *
 * Events are subscribed to before past ones are read, and kept until those are sent, so that none is missed;
 * ids, which grow, show which were sent already.
 *
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
export async function streamEvents(services: EventServices, follower: Follower): Promise<void> {
  const { tenant, jobId, response } = follower;
  /** Events that arrive while past ones are sent; null once events are sent as they arrive. */
  let pending: JobEvent[] | null = [];
  let sentId = follower.lastId;
  let isEnded = false;

  const end = () => {
    isEnded = true;
    response.end();
  };
  const write = (id: string, text: string, isLast: boolean) => {
    if (isEnded || response.destroyed) return;
    sentId = id;
    // Who is told of the end, and then asks, is never told of a job that runs.
    if (isLast) services.polledJobs.forget(tenant, jobId);
    response.write(text);
    if (response.writableLength > maxUnreadBytes) response.destroy();
    if (isLast) end();
  };
  const send = (event: JobEvent) => {
    if (sentId !== null && compareEventIds(event.id, sentId) <= 0) return;
    const { text, isLast } = formattedOf(event);
    write(event.id, text, isLast);
  };
  const sendBand = ({ image, data }: PublishedBand) => {
    // Before the stream begins, and after Redis was away, the client reads the partial result.
    if (isEnded || pending !== null || response.destroyed) return;
    if (follower.bands !== 'all' && follower.bands?.image !== image) return;
    const isBehind = response.writableLength > maxUnreadBytes / 2;
    response.write(`event: band\ndata: ${isBehind ? withoutValues(data) : data}\n\n`);
    if (response.writableLength > maxUnreadBytes) response.destroy();
  };
  const flush = () => {
    const events = pending;
    pending = null;
    if (events !== null) for (const event of events) send(event);
  };
  const catchUp = async (): Promise<void> => {
    const missed = sentId === null ? null : await services.events.readAfter(tenant, jobId, sentId);
    if (missed !== null) for (const event of missed) send(event);
    else await sendSnapshot(services, follower, sentId, write);
    flush();
  };
  const pauseFor = (ms: number) => response.write(`retry: ${ms}\n\n`);
  let turn = Promise.resolve();
  const stop = await services.hub.follow(tenant, jobId, {
    event: (event) => (pending === null ? send(event) : pending.push(event)),
    ...(follower.bands !== null && { band: sendBand }),
    lost() {
      pending ??= [];
      turn = turn.then(catchUp).catch(() => void response.destroy());
    },
    beat: () => response.headersSent && !isEnded && response.write(': still here\n\n'),
    end,
  });
  response.once('close', stop);
  // A client may have disconnected before the subscription, and then no event reports it.
  if (response.closed) return stop();
  if (await hasAll(services, follower)) {
    // Browsers would connect again after any other status.
    response.status(204).end();
    return;
  }
  response.status(200).set({
    'Content-Type': 'text/event-stream',
    'X-Accel-Buffering': 'no',
  });
  pauseFor(pauseMs.broken);
  const life = setTimeout(() => {
    if (isEnded || response.destroyed) return;
    pauseFor(pauseMs.ended);
    end();
  }, follower.maxMs).unref();
  response.once('close', () => clearTimeout(life));
  turn = catchUp();
  await turn;
}

/** Check whether a job has ended and the client has its last event. */
async function hasAll(
  { events, store }: Pick<EventServices, 'events' | 'store'>,
  { tenant, jobId, lastId }: Follower,
): Promise<boolean> {
  if (lastId === null || (await events.lastId(tenant, jobId)) !== lastId) return false;
  const job = await findJobRecord(store, tenant, jobId);
  return job !== null && isFinal(job.state);
}

/** Send the job's status in place of past events, under the id of the last event before it. */
async function sendSnapshot(
  services: EventServices,
  { tenant, jobId, lastId }: Follower,
  sentId: string | null,
  write: (id: string, text: string, isLast: boolean) => void,
): Promise<void> {
  // Before the status is read: events in between are sent after it.
  const id = await services.events.lastId(tenant, jobId);
  const job = await findJobRecord(services.store, tenant, jobId);
  if (job === null) throw notFound(`Job '${jobId}' is gone`);
  const { state, counts, error, positions } = await statusOf(services, tenant, job);
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

/** Tell of a band as of one that is too large. */
const withoutValues = (data: string): string =>
  JSON.stringify({ ...(JSON.parse(data) as BandEvent), values: null });

type Formatted = { readonly text: string; readonly isLast: boolean };

/** Each event, formatted once for all clients; an entry lives as long as its event. */
const formattedEvents = new WeakMap<JobEvent, Formatted>();

function formattedOf(event: JobEvent): Formatted {
  const known = formattedEvents.get(event);
  if (known !== undefined) return known;
  const formatted = { text: format(event.id, event.name, event.data), isLast: isLastEvent(event) };
  formattedEvents.set(event, formatted);
  return formatted;
}

function isLastEvent({ name, data }: JobEvent): boolean {
  if (name !== 'state') return false;
  return isFinal((JSON.parse(data) as { state: JobState }).state);
}
