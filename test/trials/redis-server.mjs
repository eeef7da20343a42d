// A Redis of the trial's own that is killed, emptied, filled and started again on the same port.
import { rm } from 'node:fs/promises';
import { Redis } from 'ioredis';
import { startRedis } from '../../scripts/lib/redis.mjs';
import { until } from './until.mjs';

/**
 * @typedef {object} RedisUnderTrial
 * @property {string} url
 * @property {Redis} client fails at once while the server is away
 * @property {() => number} pid 0 while it is away
 * @property {() => Promise<void>} kill
 * @property {(options?: { empty?: boolean }) => Promise<void>} restart with what it held, or empty
 * @property {() => Promise<void>} stop
 */

/**
 * @param {string} dir
 * @returns {Promise<RedisUnderTrial>}
 */
export async function startRedisUnderTrial(dir) {
  let server = await startRedis({ dir, appendonly: true });
  const { url, port } = server;
  const client = new Redis(url, {
    maxRetriesPerRequest: null,
    commandTimeout: 2_000,
    retryStrategy: () => 100,
  });
  client.on('error', () => undefined);
  let isAway = false;
  /** @type {RedisUnderTrial} */
  const redis = {
    url,
    client,
    pid: () => (isAway ? 0 : (server.pid ?? 0)),
    async kill() {
      if (isAway) return;
      isAway = true;
      server.kill('SIGKILL');
      await server.stop();
    },
    async restart({ empty = false } = {}) {
      if (!isAway) return;
      if (empty) await rm(dir, { recursive: true, force: true });
      server = await startRedis({ dir, appendonly: true, port });
      isAway = false;
      await until('Redis to answer', async () => (await client.ping()) === 'PONG');
    },
    async stop() {
      client.disconnect();
      await server.stop();
    },
  };
  return redis;
}
