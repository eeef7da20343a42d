// Redis dies, forgets, is full or is away.
import { setTimeout as sleep } from 'node:timers/promises';
import { both, lastsMs } from '../fault.mjs';

/** @typedef {import('../fault.mjs').Fault} Fault */

/**
 * @param {string} name
 * @param {number} kills
 * @param {Fault['run']} run
 * @returns {Fault}
 */
const fault = (name, kills, run) => ({ name, kills, run, stores: both });

/** @type {readonly Fault[]} */
export const redisFaults = [
  fault('Redis killed and restarted', 1, async ({ fleet: { redis } }) => {
    await redis.kill();
    await redis.restart();
    return undefined;
  }),
  fault('Redis wiped', 0, async ({ fleet: { redis } }) => {
    await redis.client.flushall();
    return undefined;
  }),
  fault('Redis replaced by an empty one', 1, async ({ fleet: { redis } }) => {
    await redis.kill();
    await redis.restart({ empty: true });
    return undefined;
  }),
  fault('Redis away', 1, async (scene) => {
    const { redis } = scene.fleet;
    await redis.kill();
    await sleep(lastsMs(scene, { min: 30, max: 30, short: 4 }));
    await redis.restart();
    return undefined;
  }),
  fault('Redis out of memory', 0, async (scene) => {
    const { client } = scene.fleet.redis;
    await client.config('SET', 'maxmemory', '1');
    await sleep(lastsMs(scene, { min: 15, max: 25, short: 4 }));
    await client.config('SET', 'maxmemory', '0');
    return undefined;
  }),
];
