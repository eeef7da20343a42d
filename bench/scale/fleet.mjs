// A service whose workers start and stop while it runs, each pinned to a core.
import { join } from 'node:path';
import { createUmbraClient } from '@umbra/client';
import { uploadFiles } from '@umbra/client/files';
import { freePort, repoRoot } from '../../scripts/lib/run.mjs';
import { startProcess, waitUntilReady } from '../../scripts/lib/server.mjs';
import { startServices } from '../../scripts/lib/services.mjs';
import { canPin, cpuSecondsOf } from './machine.mjs';
import { readMetrics } from './metrics.mjs';

/**
 * @typedef {object} PinnedWorker
 * @property {number | undefined} pid
 * @property {() => number} cpuSeconds
 * @property {() => Promise<import('./metrics.mjs').Sample[]>} metrics none if they are disabled
 * @property {() => string} output
 * @property {() => Promise<void>} stop
 *
 * @typedef {object} WorkerOptions
 * @property {number} [core]
 * @property {Record<string, string>} [env]
 * @property {readonly string[]} [within] a command that runs the worker, such as one that enters a namespace
 * @property {boolean} [metrics]
 *
 * @typedef {object} Fleet
 * @property {string} url
 * @property {string} redisUrl
 * @property {import('@umbra/client').UmbraClient} client
 * @property {(paths: readonly string[]) => Promise<{ id: string }>} upload a dataset of these files
 * @property {() => number} apiCpuSeconds
 * @property {(options?: WorkerOptions) => Promise<PinnedWorker>} startWorker
 * @property {() => Promise<void>} stop
 */

/**
 * @param {{ dir: string, env?: Record<string, string> }} options
 * @returns {Promise<Fleet>}
 */
export async function startFleet({ dir, env = {} }) {
  const services = await startServices({ dir, workers: 0, env });
  const settings = {
    REDIS_URL: services.redisUrl,
    UMBRA_STORE_DIR: join(dir, 'store'),
    UMBRA_CACHE_DIR: join(dir, 'cache'),
    UMBRA_INFERENCE_THREADS: '1',
    ...env,
  };
  /** @type {Set<PinnedWorker>} */
  const running = new Set();
  const client = createUmbraClient({ baseUrl: services.url });
  return {
    url: services.url,
    redisUrl: services.redisUrl,
    client,
    upload: (paths) => uploadFiles(client, paths),
    apiCpuSeconds: () => cpuSecondsOf(services.api.pid),
    async startWorker(options = {}) {
      const worker = await startWorker(settings, options);
      running.add(worker);
      const { stop } = worker;
      worker.stop = async () => {
        running.delete(worker);
        await stop();
      };
      return worker;
    },
    async stop() {
      await Promise.all([...running].map((worker) => worker.stop()));
      await services.stop();
    },
  };
}

/**
 * @param {Record<string, string>} settings
 * @param {WorkerOptions} options
 * @returns {Promise<PinnedWorker>}
 */
async function startWorker(settings, { core, env = {}, within = [], metrics = true }) {
  const pinned = core !== undefined && canPin() ? ['taskset', '-c', String(core)] : [];
  const main = join(repoRoot, 'apps', 'worker', 'dist', 'main.js');
  const [command = process.execPath, ...args] = [...within, ...pinned, process.execPath, main];
  const port = await freePort();
  const child = startProcess(command, args, {
    cwd: repoRoot,
    env: { ...settings, ...(metrics && { UMBRA_METRICS_PORT: String(port) }), ...env },
  });
  const isReady = async () => child.output().includes('worker ready');
  await waitUntilReady(child, 'a worker', isReady, 60_000);
  return {
    pid: child.pid,
    output: child.output,
    stop: child.stop,
    cpuSeconds: () => cpuSecondsOf(child.pid),
    metrics: async () => (metrics ? readMetrics(`http://127.0.0.1:${port}/metrics`) : []),
  };
}
