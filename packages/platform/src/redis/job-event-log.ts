import {
  type BandEvent,
  firstEventId,
  type JobEvent,
  type JobEventData,
  type JobEventName,
} from '@umbra/shared/contracts/event';
import { isFinal } from '@umbra/shared/contracts/job';
import type { Redis } from 'ioredis';
import { redisPrefix } from '../queues/names.js';

/**
 * Events of running jobs, in Redis: each job's last ones are kept for those who were away for a moment,
 * and each is published to those who listen.
 */
export type JobEventLog = {
  add<N extends JobEventName>(
    tenant: string,
    jobId: string,
    name: N,
    data: JobEventData<N>,
  ): Promise<void>;
  /** `add` of progress, at most so often that nobody is flooded; `read` is only called then. */
  addProgress(
    tenant: string,
    jobId: string,
    read: () => Promise<JobEventData<'progress'> | null>,
  ): Promise<void>;
  /** Tell those who listen of a band of scores. It is not kept; nothing is sent where nobody listens. */
  publishBand(tenant: string, jobId: string, band: BandEvent): Promise<void>;
  /** @returns What came after an event, in order; null where that event is no longer kept. */
  readAfter(tenant: string, jobId: string, id: string): Promise<JobEvent[] | null>;
  /** @returns `firstEventId` where there is none. */
  lastId(tenant: string, jobId: string): Promise<string>;
};

/** Redis trims whole nodes of a stream, so somewhat more stay. */
const keptEvents = 1_000;
const keepSeconds = 3_600;
/** Events of a job that has ended: thousands of small jobs may end in an hour. */
const keepEndedSeconds = 120;
const progressEveryMs = 500;

const addScript = `
local id = redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[3], '*', 'name', ARGV[1], 'data', ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[4])
if ARGV[1] == 'state' then redis.call('PUBLISH', ARGV[5], ARGV[6]) end
redis.call('PUBLISH', KEYS[1], id .. ' ' .. ARGV[1] .. ' ' .. ARGV[2])
return id`;

/** The key of a job's events, which is also the channel that they are published on. */
export const eventChannel = (tenant: string, jobId: string): string =>
  `${redisPrefix}:events:${tenant}:${jobId}`;

/** The channel of a job's bands of scores. */
export const bandChannel = (tenant: string, jobId: string): string =>
  `${eventChannel(tenant, jobId)}:bands`;

/**
 * The channel that tells each API which jobs changed their state, as `{tenant} {jobId}`: before the event itself, so
 * that who hears of a change by that event is answered with what is so since.
 */
export const stateChannel = `${redisPrefix}:events:states`;

/** A published event, as `add` writes it. */
export function parsePublished(message: string): JobEvent {
  const [id = '', name = ''] = message.split(' ', 2);
  const data = message.slice(id.length + name.length + 2);
  return { id, name: name as JobEventName, data };
}

/** A band as it is published: its data is JSON already, since it is sent on as it is. */
export type PublishedBand = { readonly image: string; readonly data: string };

export function parseBand(message: string): PublishedBand {
  const [image = ''] = message.split(' ', 1);
  return { image, data: message.slice(image.length + 1) };
}

export function createJobEventLog(redis: Redis): JobEventLog {
  const log: JobEventLog = {
    async add(tenant, jobId, name, data) {
      const key = eventChannel(tenant, jobId);
      const isEnd = name === 'state' && isFinal((data as JobEventData<'state'>).state);
      await redis.eval(
        addScript,
        1,
        ...[key, name, JSON.stringify(data), keptEvents, isEnd ? keepEndedSeconds : keepSeconds],
        ...[stateChannel, `${tenant} ${jobId}`],
      );
    },
    async addProgress(tenant, jobId, read) {
      const throughput = `${eventChannel(tenant, jobId)}:pace`;
      if ((await redis.set(throughput, 1, 'PX', progressEveryMs, 'NX')) === null) return;
      const progress = await read();
      if (progress !== null) await log.add(tenant, jobId, 'progress', progress);
    },
    async publishBand(tenant, jobId, band) {
      const channel = bandChannel(tenant, jobId);
      const [, listeners] = await redis.pubsub('NUMSUB', channel);
      if (Number(listeners) === 0) return;
      await redis.publish(channel, `${band.image} ${JSON.stringify(band)}`);
    },
    async readAfter(tenant, jobId, id) {
      const key = eventChannel(tenant, jobId);
      const found = (await redis.xrange(key, id, '+')).map(toEvent);
      if (id === firstEventId) return (await redis.xlen(key)) < keptEvents ? found : null;
      // Where the event that was seen last is still there, nothing after it can be missing.
      return found[0]?.id === id ? found.slice(1) : null;
    },
    async lastId(tenant, jobId) {
      const [last] = await redis.xrevrange(eventChannel(tenant, jobId), '+', '-', 'COUNT', 1);
      return last?.[0] ?? firstEventId;
    },
  };
  return log;
}

function toEvent([id, fields]: [string, string[]]): JobEvent {
  const [, name = '', , data = ''] = fields;
  return { id, name: name as JobEventName, data };
}
