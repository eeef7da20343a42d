// Redis as the older version uses it: to hold images back, and to see how far shards are.
import { tenant } from './accounts.mjs';
import { jobs } from './work.mjs';

/** @typedef {import('./checkout.mjs').Installation} Installation */

/**
 * Say that somebody else computes images of a job, so that no worker does.
 *
 * @param {any} shared
 * @param {Installation} installation
 * @param {keyof typeof jobs} name
 * @param {string} dataset
 * @param {readonly number[]} indexes
 * @returns {Promise<string[]>} keys by image; whoever deletes one lets its image go
 */
export async function holdImages(shared, { store, redis }, name, dataset, indexes) {
  const manifest = (await store.get(shared.keys.manifest(tenant, dataset))).toString();
  const lines = /** @type {string[]} */ (manifest.trim().split('\n'));
  const { model, settings } = jobs[name];
  const work = { model: await shared.findModel(store, model) };
  const parsed = shared.occlusionSettings.parse(settings);
  const held = indexes.map((index) => {
    const item = JSON.parse(lines[index] ?? '');
    const address = shared.addressOf({ ...work, item, settings: parsed });
    return `${shared.redisPrefix}:claim:${tenant}:${address}`;
  });
  for (const key of held) await redis.set(key, 'somebody-else', 'EX', 600);
  return held;
}

/**
 * As a fleet that has worked for long would measure it: a model's first shards are slow, and would
 * leave no room in the queue beside images that are held.
 *
 * @param {any} shared
 * @param {any} redis
 */
export const setPace = (shared, redis) =>
  redis.hset(`${shared.redisPrefix}:pace`, 'whole', '1 20000');

/**
 * @param {any} shared
 * @param {any} redis
 * @param {string} queue
 * @param {'delayed' | 'prioritized'} state
 * @returns {Promise<number>}
 */
export const countQueued = (shared, redis, queue, state) =>
  redis.zcard(`${shared.redisPrefix}:${queue}:${state}`);

/**
 * Whether a shard's scores are in the store for its merge, and the next shard is at work.
 *
 * @param {any} shared
 * @param {any} redis
 * @param {string} job
 */
export async function isSpilling(shared, redis, job) {
  const merge = shared.queueJobIds.merge(job, 1, shared.imageIdAt(0));
  const returned = await redis.hvals(`${shared.redisPrefix}:merge:${merge}:processed`);
  const active = await redis.llen(`${shared.redisPrefix}:shard:active`);
  return returned.length === 1 && !returned[0].includes('scores') && active === 1;
}

/**
 * What a queue told of itself is for those who watch it: the last of it will do.
 *
 * @param {any} shared
 * @param {any} redis
 */
export async function trimEvents(shared, redis) {
  for (const queue of Object.values(shared.queueNames)) {
    await redis.xtrim(`${shared.redisPrefix}:${queue}:events`, 'MAXLEN', 10);
  }
}
