import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readVerifiedBundle } from '@umbra/engine';
import { writeTinyBundle } from '@umbra/engine/testing';
import { readConfig } from '@umbra/platform/config';
import { createFsStore } from '@umbra/platform/store/fs-store';
import { putJson } from '@umbra/platform/store/json';
import { defaultTenant, keys } from '@umbra/platform/store/keys';
import { publishModel } from '@umbra/platform/store/models';
import type { ObjectStore } from '@umbra/platform/store/store';
import type { DatasetItem, ItemLabel } from '@umbra/shared/contracts/dataset';
import { isFinal, type JobRecord, newJobDefaults, storedJob } from '@umbra/shared/contracts/job';
import type { ModelSummary } from '@umbra/shared/contracts/model';
import { allOutputs, type Outputs } from '@umbra/shared/contracts/outputs';
import { type OcclusionSettingsInput, occlusionSettings } from '@umbra/shared/contracts/settings';
import { imageIdAt, newDatasetId, newJobId } from '@umbra/shared/ids';
import type { Size } from '@umbra/shared/occlusion/grid';
import { type WorkerConfig, workerConfig } from '@umbra/worker/config';
import sharp from 'sharp';
import { startRedis } from '../../scripts/lib/redis.mjs';

/** A store with one model, and a Redis of its own: queues have fixed names, so it is not shared. */
export type Stage = {
  readonly store: ObjectStore;
  readonly redisUrl: string;
  readonly model: ModelSummary;
  readonly env: Readonly<Record<string, string>>;
  config(changes?: Record<string, string>): Readonly<WorkerConfig>;
  close(): Promise<void>;
};

export async function setStage(): Promise<Stage> {
  const folder = await mkdtemp(join(tmpdir(), 'umbra-worker-'));
  const redis = await startRedis({ dir: join(folder, 'redis') });
  const store = createFsStore(join(folder, 'store'));
  const bundle = await writeTinyBundle(folder, { size: 64 });
  const model = await publishModel(store, bundle, await readVerifiedBundle(bundle));
  const env = {
    REDIS_URL: redis.url,
    UMBRA_STORE: 'fs',
    UMBRA_STORE_DIR: join(folder, 'store'),
    UMBRA_CACHE_DIR: join(folder, 'cache'),
    UMBRA_LOG_LEVEL: 'silent',
    UMBRA_LOCK_MS: '2000',
    UMBRA_RESUME_MS: '500',
  };
  return {
    store,
    redisUrl: redis.url,
    model,
    env,
    config: (changes = {}) => readConfig(workerConfig, { ...env, ...changes }),
    async close() {
      await redis.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export type NewJob = {
  readonly images?: number;
  readonly rowsPerShard?: number | null;
  readonly settings?: OcclusionSettingsInput;
  /** The names that users gave, by position. */
  readonly names?: readonly string[];
  /** What the images show, by position. */
  readonly labels?: readonly ItemLabel[];
  /** Photos other than noise, by position; any extent. */
  readonly photos?: ReadonlyMap<number, Buffer>;
  /** Extent that all of them have, where a test is about places on the photo. */
  readonly extent?: Size;
  /** Another model than the stage's. */
  readonly model?: Pick<ModelSummary, 'name' | 'digest'>;
  /** All, unless a test is about it: what is compared must be stored. */
  readonly outputs?: Outputs;
  /** Not unless a test is about it: the same photos are used again and again. */
  readonly reuse?: boolean;
};

/** 9 x 9 positions of the tiny model's 64 px input. */
const smallSettings: OcclusionSettingsInput = { patch: 16, stride: 6 };

/** Write a dataset and a queued job, as the service does. */
export async function writeJob(
  { store, model: stageModel }: Stage,
  {
    images = 3,
    rowsPerShard = null,
    settings = smallSettings,
    names = [],
    labels = [],
    photos = new Map(),
    extent,
    model = stageModel,
    outputs = allOutputs,
    reuse = false,
  }: NewJob = {},
): Promise<{ job: JobRecord; items: DatasetItem[] }> {
  const tenant = defaultTenant;
  const dataset = newDatasetId();
  const items: DatasetItem[] = [];
  for (let index = 0; index < images; index++) {
    const bytes = photos.get(index) ?? (await noisePhoto(80, 70 + (index % 7), index));
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    await store.put(keys.image(tenant, dataset, sha256), bytes);
    items.push({
      version: 1,
      id: imageIdAt(index),
      name: names[index] ?? `photos/photo-${index}.png`,
      sha256,
      bytes: bytes.length,
      ...(extent ?? { width: 80, height: 70 + (index % 7) }),
      ...(labels[index] !== undefined && { label: labels[index] }),
    });
  }
  const lines = items.map((item) => `${JSON.stringify(item)}\n`).join('');
  await store.put(keys.manifest(tenant, dataset), lines);
  const job: JobRecord = {
    ...newJobDefaults,
    id: newJobId(),
    dataset,
    model: { name: model.name, digest: model.digest },
    settings: occlusionSettings.parse(settings),
    outputs,
    rowsPerShard,
    reuse,
    positionsPerImage: 81,
    counts: { total: images, completed: 0, failed: 0 },
    createdAt: new Date().toISOString(),
  };
  await putJson(store, keys.job(tenant, job.id), job);
  // Workers look for unfinished jobs, so this alone has the job run.
  await store.put(keys.activeJob(tenant, job.id), '');
  return { job, items };
}

async function noisePhoto(width: number, height: number, seed: number): Promise<Buffer> {
  const pixels = Buffer.alloc(width * height * 3);
  for (const index of pixels.keys()) {
    pixels[index] = (index * 31 + seed * 97 + Math.floor(index / (index % 11 || 7))) % 251;
  }
  return sharp(pixels, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer();
}

export const readRecord = async ({ store }: Stage, jobId: string): Promise<JobRecord> =>
  storedJob.parse(JSON.parse((await store.get(keys.job(defaultTenant, jobId))).toString()));

/** Ask until the answer is not null; fails after `timeoutMs`. */
export async function until<T>(
  what: string,
  ask: () => Promise<T | null>,
  timeoutMs = 100_000,
): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const answer = await ask();
    if (answer !== null) return answer;
    if (Date.now() > deadline) throw new Error(`Expected ${what} within ${timeoutMs} ms`);
    await sleep(20);
  }
}

export const untilFinal = (stage: Stage, jobId: string, timeoutMs?: number): Promise<JobRecord> =>
  until(
    `job ${jobId} to end`,
    async () => {
      const record = await readRecord(stage, jobId);
      return isFinal(record.state) ? record : null;
    },
    timeoutMs,
  );
