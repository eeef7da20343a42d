import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { composeResult, planOcclusion, readBundle } from '@umbra/engine';
import { writeTinyBundle } from '@umbra/engine/testing';
import { createJobProgressStore } from '@umbra/platform/redis/job-progress';
import { createFsStore } from '@umbra/platform/store/fs-store';
import { putJson } from '@umbra/platform/store/json';
import { keys } from '@umbra/platform/store/keys';
import type { ObjectStore } from '@umbra/platform/store/store';
import { createLogger } from '@umbra/platform/telemetry/logger';
import { type JobRecord, newJobDefaults } from '@umbra/shared/contracts/job';
import type { ResultFile } from '@umbra/shared/contracts/result';
import { occlusionSettings } from '@umbra/shared/contracts/settings';
import { imageIdAt, newDatasetId, newJobId } from '@umbra/shared/ids';
import { Redis } from 'ioredis';
import type { DescribedModel } from '../../runtime/model-cache.js';
import { type EvidenceServices, segmentImages } from '../evidence-segments.js';

export const tenant = 'acme';
/** Images of each job: of two segments. */
export const images = segmentImages + 3;
const side = 16;
const settings = occlusionSettings.parse({ patch: 8, stride: 8 });

/** A store whose jobs have the results that a test gives them, and that tells which were asked for. */
export type ResultStage = {
  readonly services: EvidenceServices;
  readonly model: DescribedModel;
  /** Images whose results were asked for, until it is emptied. */
  readonly asked: string[];
  /** Write a dataset and a job that has ended, without results. */
  writeJob(): Promise<JobRecord>;
  putResult(job: JobRecord, image: string): Promise<void>;
  close(): Promise<void>;
};

export async function openResultStage(redisUrl: string): Promise<ResultStage> {
  const folder = await mkdtemp(join(tmpdir(), 'umbra-evidence-'));
  const redis = new Redis(redisUrl);
  const { bundle, digest } = await readBundle(await writeTinyBundle(folder, { size: side }));
  const model = { bundle, digest, labels: ['kind 0', 'kind 1'] };
  const files = await makeResult(model);
  const asked: string[] = [];
  const plain = createFsStore(join(folder, 'store'));
  const store: ObjectStore = {
    ...plain,
    get(key, ...rest) {
      if (key.endsWith('result.json')) asked.push(key.split('/').at(-2) ?? '');
      return plain.get(key, ...rest);
    },
  };
  return {
    ...{ model, asked },
    services: {
      store,
      progress: createJobProgressStore(redis),
      logger: createLogger('test', 'silent'),
    },
    async writeJob() {
      const job: JobRecord = {
        ...newJobDefaults,
        ...{ id: newJobId(), dataset: newDatasetId(), settings, state: 'completed' },
        model: { name: 'tiny', digest },
        counts: { total: images, completed: images, failed: 0 },
        createdAt: new Date().toISOString(),
      };
      const facts = {
        sha256: 'a'.repeat(64),
        bytes: 1,
        width: side,
        height: side,
        label: 'kind 1',
      };
      const lines = Array.from({ length: images }, (_, index) =>
        JSON.stringify({ version: 1, id: imageIdAt(index), name: `${index}.png`, ...facts }),
      );
      await store.put(keys.manifest(tenant, job.dataset), `${lines.join('\n')}\n`);
      await putJson(store, keys.job(tenant, job.id), job);
      return job;
    },
    async putResult({ id }, image) {
      // Straight into the folder: the store waits for the disk at each object.
      for (const [file, bytes] of files) {
        const path = join(folder, 'store', keys.result(tenant, id, image, file));
        await mkdir(dirname(path), { recursive: true });
        await writeFile(path, bytes);
      }
    },
    async close() {
      redis.disconnect();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The result of a small image whose score falls at one place. */
async function makeResult(model: DescribedModel): Promise<ReadonlyMap<ResultFile, Buffer>> {
  const target = { index: 1, label: 'kind 1' };
  return composeResult({
    // Only pictures show it.
    photo: Buffer.alloc(0),
    image: { id: imageIdAt(0), name: 'a.png', sha256: 'a'.repeat(64), width: side, height: side },
    ...{ model, settings, outputs: ['scores', 'predicted-classes'] },
    run: {
      plan: planOcclusion({ height: side, width: side }, settings),
      scores: [Float32Array.of(0.9, 0.25, 0.9, 0.9)],
      predictedClasses: Int32Array.of(1, 0, 1, 1),
      baseline: {
        predicted: { ...target, probability: 0.9 },
        targets: [{ ...target, score: 0.9 }],
      },
      faithfulness: null,
    },
    provenance: {
      ...{ backend: 'none', backendVersion: '0', device: 'none', strategy: 'dense' },
      umbraVersion: '0.1.0',
    },
  });
}

export const ids = (start: number, end: number): string[] =>
  Array.from({ length: end - start }, (_, at) => imageIdAt(start + at));
