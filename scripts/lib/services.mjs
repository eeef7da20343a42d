// A complete service on this machine: Redis, the API and worker processes, all on loopback.
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startRedis } from './redis.mjs';
import { freePort, repoRoot } from './run.mjs';
import { startProcess, waitUntilReady } from './server.mjs';

/**
 * @typedef {object} Services
 * @property {string} url the API's address
 * @property {string} redisUrl
 * @property {import('./server.mjs').ServerProcess} api
 * @property {import('./server.mjs').ServerProcess[]} workers
 * @property {() => Promise<void>} stop ends everything, workers first
 */

/**
 * Starts all processes that a job needs. Storage follows `UMBRA_STORE` and its settings if they are set, and is a folder
 * under `dir` otherwise.
 *
 * @param {object} options
 * @param {string} options.dir folder for the store, the model cache and Redis's files
 * @param {number} [options.workers] worker processes, each with one inference thread
 * @param {Record<string, string>} [options.env] added to the environment of the API and the workers
 * @param {(message: string) => void} [options.report]
 * @returns {Promise<Services>}
 */
export async function startServices({ dir, workers = 2, env = {}, report = () => {} }) {
  mkdirSync(dir, { recursive: true });
  /** @type {(() => Promise<void>)[]} */
  const stops = [];
  const stop = async () => {
    for (const end of stops.splice(0).reverse()) await end();
  };
  try {
    const storeDir = env.UMBRA_STORE_DIR ?? join(dir, 'store');
    const given = process.env.REDIS_URL;
    const redisUrl = given ?? (await ownRedis(dir, stops));
    if (given !== undefined) stops.push(() => forgetStore(given, storeDir));
    report(`Redis on ${new URL(redisUrl).host}`);
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const settings = {
      REDIS_URL: redisUrl,
      UMBRA_STORE_DIR: storeDir,
      UMBRA_CACHE_DIR: join(dir, 'cache'),
      UMBRA_MODELS_DIR: join(repoRoot, 'models'),
      UMBRA_INFERENCE_THREADS: '1',
      UMBRA_HOST: '127.0.0.1',
      UMBRA_PORT: String(port),
      // The service is reachable only from this machine, and only while this process runs.
      UMBRA_AUTH: 'none',
      ...env,
    };
    const api = startApp('api', settings);
    stops.push(api.stop);
    await waitUntilReady(api, 'the API', () => isReady(url), 30_000);
    report(`API on ${url}`);
    const started = Array.from({ length: workers }, () => startApp('worker', settings));
    stops.push(async () => {
      await Promise.all(started.map((worker) => worker.stop()));
    });
    for (const worker of started) {
      await waitUntilReady(
        worker,
        'a worker',
        async () => worker.output().includes('worker ready'),
        30_000,
      );
    }
    report(`${workers} worker processes`);
    return { url, redisUrl, api, workers: started, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/**
 * @param {string} dir
 * @param {(() => Promise<void>)[]} stops
 */
async function ownRedis(dir, stops) {
  const redis = await startRedis({ dir: join(dir, 'redis') });
  stops.push(redis.stop);
  return redis.url;
}

/**
 * The next run on a Redis that is given has a folder of its own: Redis forgets the store of this one.
 *
 * @param {string} redisUrl
 * @param {string} storeDir
 */
async function forgetStore(redisUrl, storeDir) {
  const marker = join(storeDir, 'umbra-store.json');
  if (!existsSync(marker)) return;
  const { id } = JSON.parse(readFileSync(marker, 'utf8'));
  // Not before there are dependencies: this file is read in a fresh clone.
  const { Redis } = await import('ioredis');
  const redis = new Redis(redisUrl, { maxRetriesPerRequest: 1 });
  redis.on('error', () => undefined);
  try {
    if ((await redis.get('umbra:store')) === id) await redis.del('umbra:store');
  } finally {
    redis.disconnect();
  }
}

/**
 * @param {'api' | 'worker'} name
 * @param {Record<string, string>} env
 */
function startApp(name, env) {
  const main = join(repoRoot, 'apps', name, 'dist', 'main.js');
  return startProcess(process.execPath, [main], { cwd: repoRoot, env });
}

/** @param {string} url */
async function isReady(url) {
  try {
    return (await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(2000) })).ok;
  } catch {
    return false;
  }
}
