// Work that kills, comes twice, is deleted while it runs, or has two leaders.
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { defaultTenant, keys } from '@umbra/platform/store/keys';
import { Queue } from 'bullmq';
import { until } from '../../trials/until.mjs';
import { both } from '../fault.mjs';
import { mustGet } from '../must-get.mjs';
import { untilAtWork } from './processes.mjs';

/** @typedef {import('../fault.mjs').Fault} Fault */
/** @typedef {import('../fault.mjs').Scene} Scene */

/**
 * Processes that one image may cost: each of the two workers that has one of its shards at that moment, and two
 * children. Where its shards run in one worker, it is three.
 */
const maxDeaths = 4;
const poisonMs = 240_000;
const deleteMs = 90_000;

/** @type {Fault} */
const poison = {
  name: 'image that kills its worker',
  stores: both,
  kills: 3,
  isAlone: true,
  async run(scene) {
    const { client, job, photos, chance, orders, fleet } = scene;
    const index = chance.between(Math.floor(photos.length / 2), photos.length - 1);
    const image = `img_${String(index).padStart(8, '0')}`;
    const digest = createHash('sha256')
      .update(mustGet(photos[index], 'a photo').bytes)
      .digest('hex');
    // What reads it is a worker's own code, so each death is a whole worker's.
    const order = orders.killAlways(`^[^ ]*/images/${digest}( |$)|^GET .*/images/${digest}`);
    try {
      await until(
        'the image to fail',
        async () => {
          await Promise.all(fleet.workers.map((worker) => worker.start().catch(() => undefined)));
          const { state, counts } = await client.status(job);
          return counts.failed > 0 || state === 'completed' || state === 'failed';
        },
        { timeoutMs: poisonMs, everyMs: 100 },
      );
    } finally {
      order.withdraw();
      await Promise.all(fleet.workers.map((worker) => worker.start()));
    }
    const deaths = order.deaths();
    const broken =
      deaths > maxDeaths
        ? [`Expected at most ${maxDeaths} processes dead of it, got ${deaths}`]
        : [];
    const reason = new RegExp(`${image}|${digest.slice(0, 12)}|photo-${index}\\.png`);
    return { note: `${deaths} processes dead`, broken, mayFail: [image], reason };
  },
};

/**
 * BullMQ delivers at least once: the same work again, under another id, while the first runs.
 *
 * @param {'shard' | 'merge' | 'archive'} name
 * @returns {Fault}
 */
const deliverAgain = (name) => ({
  name: `${name} delivered twice`,
  stores: both,
  kills: 0,
  async run({ fleet: { redis }, job }) {
    const queue = new Queue(name, { connection: redis.client, prefix: 'umbra' });
    try {
      const found = await until(
        `a queued ${name}`,
        async () => {
          const queued = await queue.getJobs([
            'active',
            'waiting',
            'prioritized',
            'waiting-children',
          ]);
          return queued.find((one) => one?.data?.jobId === job) ?? null;
        },
        { everyMs: 5 },
      );
      const jobId = `${found.id}-again`;
      await queue.add(found.name, found.data, {
        jobId,
        removeOnComplete: true,
        removeOnFail: true,
      });
    } finally {
      await queue.close();
    }
    return undefined;
  },
});

/** @type {Fault} */
const twoLeaders = {
  name: 'two leaders',
  stores: both,
  kills: 0,
  async run({ fleet: { redis, lockMs } }) {
    const { client } = redis;
    await until('a dispatcher', async () => (await client.llen('umbra:dispatch:active')) > 0);
    // Its lock is gone while it works on; the next look for stalled jobs gives the job to another worker too.
    for (const id of await client.lrange('umbra:dispatch:active', 0, -1)) {
      await client.del(`umbra:dispatch:${id}:lock`);
    }
    await sleep(lockMs);
    return undefined;
  },
};

/** @type {Fault} */
const deleteRunning = {
  name: 'job deleted while it runs',
  stores: both,
  kills: 0,
  async run({ fleet, client, request, chance }) {
    const job = await client.submit(request);
    await untilAtWork(fleet);
    await sleep(chance.between(0, 400));
    await client.request(`/v1/jobs/${job}/cancel`, { method: 'POST' });
    const isDeleted = async () => {
      const { status } = await client.request(`/v1/jobs/${job}`, { method: 'DELETE' });
      return status === 204 || status === 404;
    };
    await until('the job to be deleted', isDeleted, { timeoutMs: deleteMs });
    // A merge that ran on writes after the deletion: what it wrote is deleted in time.
    const isGone = async () => (await firstKey(fleet, job)) === null;
    const left = await until('nothing of it to be left', isGone, { timeoutMs: deleteMs }).then(
      () => null,
      () => firstKey(fleet, job),
    );
    return left === null ? undefined : { broken: [`'${left}' is left of a deleted job`] };
  },
};

/**
 * @param {import('../../trials/fleet.mjs').Fleet} fleet
 * @param {string} job
 */
async function firstKey({ truth }, job) {
  for await (const { key } of truth.list(keys.jobFiles(defaultTenant, job))) return key;
  return null;
}

/** @type {readonly Fault[]} */
export const workFaults = [
  poison,
  deliverAgain('shard'),
  deliverAgain('merge'),
  twoLeaders,
  deleteRunning,
];
