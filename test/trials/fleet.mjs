// The service under trial: real processes, a Redis and a store of its own, all on loopback and in one folder.
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { writeTinyBundle } from '@umbra/engine/testing';
import { createFsStore } from '@umbra/platform/store/fs-store';
import { createS3Store } from '@umbra/platform/store/s3-store';
import { freePort } from '../../scripts/lib/run.mjs';
import { startS3Server } from '../../scripts/lib/s3.mjs';
import { mountSmallDisk } from './disk.mjs';
import { createMember } from './member.mjs';
import { startRedisUnderTrial } from './redis-server.mjs';
import { startS3Proxy } from './s3-proxy.mjs';

/** @typedef {import('./member.mjs').Member} Member */
/** @typedef {Awaited<ReturnType<typeof startFleet>>} Fleet */
/** @typedef {'fs' | 's3'} StoreKind */

/** Side of the model's square input, px. */
const inputPx = 64;

/**
 * @param {object} options
 * @param {string} options.dir
 * @param {StoreKind} options.kind
 * @param {number} options.workers
 * @param {() => number} options.draw numbers in [0, 1)
 * @param {number} [options.diskMegabytes] of the store on disk
 * @param {(member: string) => Record<string, string>} [options.envOf] of `api`, `worker-0`, `worker-1` and so on
 */
export async function startFleet(options) {
  const { dir, kind, workers, draw, diskMegabytes = 192 } = options;
  const { envOf = () => ({}) } = options;
  const logs = join(dir, 'logs');
  const temporary = join(dir, 'tmp');
  for (const folder of [logs, temporary]) await mkdir(folder, { recursive: true });
  /** @type {(() => Promise<unknown> | void)[]} */
  const stops = [];
  const stop = async () => {
    for (const end of stops.splice(0).reverse()) await end();
  };
  try {
    const redis = await startRedisUnderTrial(join(dir, 'redis'));
    stops.push(redis.stop);
    const place = await (kind === 'fs'
      ? placeOnDisk(dir, stops, diskMegabytes)
      : placeOnS3(dir, stops, draw));
    await writeTinyBundle(join(dir, 'models'), { size: inputPx });
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const shared = {
      ...place.env,
      REDIS_URL: redis.url,
      TMPDIR: temporary,
      UMBRA_STORE: kind,
      UMBRA_AUTH: 'none',
      UMBRA_LOCK_MS: '2000',
      UMBRA_RESUME_MS: '1000',
      UMBRA_INFERENCE_THREADS: '1',
    };
    const api = createMember({
      app: 'api',
      name: 'api',
      folder: logs,
      env: {
        ...shared,
        UMBRA_HOST: '127.0.0.1',
        UMBRA_PORT: String(port),
        UMBRA_MODELS_DIR: join(dir, 'models'),
        UMBRA_CACHE_DIR: join(dir, 'cache-api'),
        ...envOf('api'),
      },
      isReady: () => isReady(url),
    });
    const members = Array.from({ length: workers }, (_, index) => {
      const name = `worker-${index}`;
      return createMember({
        app: 'worker',
        name,
        folder: logs,
        env: { ...shared, UMBRA_CACHE_DIR: join(dir, `cache-${index}`), ...envOf(name) },
        isReady: async (log) => log.includes('worker ready'),
      });
    });
    stops.push(() => Promise.all([api, ...members].map((member) => member.stop())));
    await api.start();
    await Promise.all(members.map((worker) => worker.start()));
    const { disk, proxy, truth, storeFolder } = place;
    return {
      ...{ dir, temporary, kind, url, redis, api, workers: members, disk, proxy, truth },
      ...{ storeFolder, lockMs: Number(shared.UMBRA_LOCK_MS), stop },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/**
 * @typedef {object} Place where objects are
 * @property {Record<string, string>} env
 * @property {import('@umbra/platform/store/store').ObjectStore} truth reads it past every fault
 * @property {import('./disk.mjs').SmallDisk | null} disk
 * @property {import('./s3-proxy.mjs').S3Proxy | null} proxy
 * @property {string | null} storeFolder
 */

/**
 * @param {string} dir
 * @param {(() => Promise<unknown> | void)[]} stops
 * @param {number} diskMegabytes
 * @returns {Promise<Place>}
 */
async function placeOnDisk(dir, stops, diskMegabytes) {
  const disk = mountSmallDisk(join(dir, 'disk'), diskMegabytes);
  stops.push(disk.unmount);
  // A folder on the disk and not the disk itself, which cannot be renamed.
  const storeFolder = join(disk.folder, 'store');
  const env = { UMBRA_STORE_DIR: storeFolder };
  return { env, truth: createFsStore(storeFolder), disk, proxy: null, storeFolder };
}

/**
 * @param {string} dir
 * @param {(() => Promise<unknown> | void)[]} stops
 * @param {() => number} draw
 * @returns {Promise<Place>}
 */
async function placeOnS3(dir, stops, draw) {
  const server = await startS3Server({ dir: join(dir, 's3') });
  if (server === null) throw new Error('Expected an S3 server, versitygw or Go to build it');
  stops.push(server.stop);
  const { endpoint, region, bucket, accessKeyId, secretAccessKey } = server;
  const credentials = { accessKeyId, secretAccessKey };
  const client = new S3Client({ endpoint, region, forcePathStyle: true, credentials });
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  client.destroy();
  const proxy = await startS3Proxy(endpoint, draw);
  stops.push(proxy.stop);
  return {
    env: {
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      UMBRA_S3_BUCKET: bucket,
      UMBRA_S3_ENDPOINT: proxy.endpoint,
      UMBRA_S3_REGION: region,
    },
    truth: createS3Store({ bucket, prefix: '', region, endpoint, credentials }),
    disk: null,
    proxy,
    storeFolder: null,
  };
}

/** @param {string} url */
async function isReady(url) {
  try {
    return (await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(2_000) })).ok;
  } catch {
    return false;
  }
}

/** @param {string} dir */
export const removeFolder = (dir) => rm(dir, { recursive: true, force: true });
