import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type RunningApi, startApi } from '@umbra/api';
import { type ApiConfig, apiConfig } from '@umbra/api/config';
import { writeTinyBundle } from '@umbra/engine/testing';
import { readConfig } from '@umbra/platform/config';
import { openStore } from '@umbra/platform/store/open-store';
import type { JobStatus } from '@umbra/shared/contracts/job';
import { type RunningWorker, startWorker } from '@umbra/worker';
import { workerConfig } from '@umbra/worker/config';
import sharp from 'sharp';
import { startRedis } from '../../scripts/lib/redis.mjs';

export type TestService = {
  readonly url: string;
  readonly metricsUrl: string | undefined;
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
  readonly store: ReturnType<typeof openStore>;
  readonly redis: Awaited<ReturnType<typeof startRedis>>;
  startWorker(env?: Record<string, string>): Promise<RunningWorker>;
  close(): Promise<void>;
};

/** An API with a Redis and a store of its own, and the tiny model; workers are started on demand. */
export async function startService(extra: Record<string, string> = {}): Promise<TestService> {
  const folder = await mkdtemp(join(tmpdir(), 'umbra-service-'));
  const redis = await startRedis({ dir: join(folder, 'redis') });
  await writeTinyBundle(join(folder, 'models'));
  const env = {
    REDIS_URL: redis.url,
    UMBRA_STORE_DIR: join(folder, 'store'),
    UMBRA_CACHE_DIR: join(folder, 'cache'),
    UMBRA_MODELS_DIR: join(folder, 'models'),
    UMBRA_PORT: '0',
    UMBRA_AUTH: 'none',
    UMBRA_LOG_LEVEL: 'silent',
    UMBRA_LOCK_MS: '2000',
    ...extra,
  };
  const config: Readonly<ApiConfig> = readConfig(apiConfig, env);
  const api: RunningApi = await startApi(config);
  const workers: RunningWorker[] = [];
  return {
    url: api.url,
    metricsUrl: api.metricsUrl,
    folder,
    env,
    store: openStore(config),
    redis,
    async startWorker(more = {}) {
      const worker = await startWorker(readConfig(workerConfig, { ...env, ...more }));
      workers.push(worker);
      return worker;
    },
    async close() {
      await Promise.all(workers.map((worker) => worker.close()));
      await api.close();
      await redis.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Distinct small photos. */
export async function makePhotos(count: number): Promise<{ name: string; bytes: Buffer }[]> {
  return Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const pixels = Buffer.from(
        Array.from({ length: 40 * 36 * 3 }, (_, at) => (at * 31 + at * at * (index + 1)) % 253),
      );
      const image = sharp(pixels, { raw: { width: 40, height: 36, channels: 3 } });
      return { name: `photo-${index}.png`, bytes: await image.png().toBuffer() };
    }),
  );
}

export async function upload(
  url: string,
  files: readonly { name: string; bytes: Buffer }[],
): Promise<Response> {
  const form = new FormData();
  for (const { name, bytes } of files)
    form.append('images', new Blob([new Uint8Array(bytes)]), name);
  return fetch(`${url}/v1/datasets`, { method: 'POST', body: form });
}

export async function uploadPhotos(
  url: string,
  files: readonly { name: string; bytes: Buffer }[],
): Promise<string> {
  const response = await upload(url, files);
  if (response.status !== 201)
    throw new Error(`upload: ${response.status} ${await response.text()}`);
  return ((await response.json()) as { id: string }).id;
}

export function postJob(url: string, body: unknown): Promise<Response> {
  return fetch(`${url}/v1/jobs`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
}

export async function submitJob(url: string, body: unknown): Promise<string> {
  const response = await postJob(url, body);
  if (response.status !== 202) throw new Error(`job: ${response.status} ${await response.text()}`);
  return ((await response.json()) as JobStatus).id;
}

export async function waitForJob(
  url: string,
  id: string,
  until: (status: JobStatus) => boolean = ({ state }) =>
    state === 'completed' || state === 'failed',
): Promise<JobStatus> {
  for (const deadline = Date.now() + 100_000; Date.now() < deadline; ) {
    const status = (await (await fetch(`${url}/v1/jobs/${id}`)).json()) as JobStatus;
    if (until(status)) return status;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`Job ${id} did not get there in time`);
}
