// The version that is to write: its modules, and its processes.
import { mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** @typedef {Awaited<ReturnType<typeof startInstallation>>} Installation */
/** @typedef {{ stop(): Promise<void>, kill(signal: NodeJS.Signals): void }} Running */

/**
 * @param {string} root of a checkout that is installed and built
 * @returns {Promise<any>}
 */
export async function openCheckout(root) {
  const load = (/** @type {string} */ path) => import(pathToFileURL(join(root, path)).href);
  const require = createRequire(join(root, 'apps/worker/package.json'));
  return {
    root,
    shared: await load('packages/shared/dist/index.js'),
    testing: await load('packages/engine/dist/testing/index.js'),
    redis: await load('scripts/lib/redis.mjs'),
    server: await load('scripts/lib/server.mjs'),
    run: await load('scripts/lib/run.mjs'),
    sharp: require('sharp'),
    Redis: require('ioredis').Redis,
    tar: require('tar-stream'),
  };
}

/**
 * A Redis and an API over a folder; workers come later.
 *
 * @param {any} checkout
 * @param {string} dir
 * @param {Record<string, string>} [more] settings
 */
export async function startInstallation(checkout, dir, more = {}) {
  const { root, shared, redis: redisLib, run, Redis } = checkout;
  for (const folder of ['store', 'models']) mkdirSync(join(dir, folder), { recursive: true });
  const server = await redisLib.startRedis({ dir: join(dir, 'redis') });
  const port = await run.freePort();
  const env = {
    REDIS_URL: server.url,
    UMBRA_STORE_DIR: join(dir, 'store'),
    UMBRA_CACHE_DIR: join(dir, 'cache'),
    UMBRA_MODELS_DIR: join(dir, 'models'),
    UMBRA_PORT: String(port),
    UMBRA_LANES: '1',
    UMBRA_LOCK_MS: '2000',
    UMBRA_WEBHOOK_ALLOW_PRIVATE: '1',
    // A webhook that was not taken is not posted again before the end of this script.
    UMBRA_WEBHOOK_RETRY_MS: '120000',
    ...more,
  };
  const start = async (
    /** @type {'api' | 'worker'} */ app,
    /** @type {Record<string, string>} */ own = {},
  ) => {
    const main = join(root, 'apps', app, 'dist', 'main.js');
    const options = { cwd: root, env: { ...env, ...own } };
    const child = checkout.server.startProcess(process.execPath, [main], options);
    const isReady = async () => child.output().includes(`${app} ready`);
    await checkout.server.waitUntilReady(child, app, isReady, 30_000);
    const kill = (/** @type {NodeJS.Signals} */ signal) => void process.kill(child.pid, signal);
    return /** @type {Running} */ ({ stop: child.stop, kill });
  };
  const api = await start('api');
  const redis = new Redis(server.url);
  return {
    url: `http://127.0.0.1:${port}`,
    store: shared.createFsStore(env.UMBRA_STORE_DIR),
    storeDir: env.UMBRA_STORE_DIR,
    redis,
    /** @param {string} [steps] all of them when left out */
    startWorker: (steps) => start('worker', steps === undefined ? {} : { UMBRA_STEPS: steps }),
    async stop() {
      await api.stop();
      redis.disconnect();
      await server.stop();
    },
    /** At once, and without a word. */
    kill() {
      api.kill('SIGKILL');
      process.kill(server.pid, 'SIGKILL');
      redis.disconnect();
    },
  };
}
