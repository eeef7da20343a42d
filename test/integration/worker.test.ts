import { createHash } from 'node:crypto';
import { enqueueDispatcher, outageJobOptions } from '@umbra/platform/queues/enqueue';
import { queueJobIds, queueNames, redisPrefix } from '@umbra/platform/queues/names';
import { putJson } from '@umbra/platform/store/json';
import { defaultTenant, keys } from '@umbra/platform/store/keys';
import { datasetItem, errorReport } from '@umbra/shared/contracts/dataset';
import { imageResult, type ResultFile } from '@umbra/shared/contracts/result';
import type { OcclusionSettingsInput } from '@umbra/shared/contracts/settings';
import { type RunningWorker, startWorker } from '@umbra/worker';
import { FlowProducer, Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  readRecord,
  type Stage,
  setStage,
  until,
  untilFinal,
  writeJob,
} from '../support/job-fixture.js';
import { readZip } from '../support/read-zip.js';

const tenant = defaultTenant;
let stage: Stage;
let redis: Redis;
const workers: RunningWorker[] = [];

const work = async (changes?: Record<string, string>): Promise<RunningWorker> => {
  const worker = await startWorker(stage.config(changes));
  workers.push(worker);
  return worker;
};
const stopWorkers = () => Promise.all(workers.splice(0).map((worker) => worker.close()));
const readResult = (jobId: string, imageId: string, file: ResultFile): Promise<Buffer> =>
  stage.store.get(keys.result(tenant, jobId, imageId, file));

beforeAll(async () => {
  stage = await setStage();
  redis = new Redis(stage.redisUrl, { maxRetriesPerRequest: null });
});
beforeEach(() => redis.flushall());
afterEach(stopWorkers);
afterAll(async () => {
  redis.disconnect();
  await stage.close();
});

describe('a job', () => {
  test('runs to its archive, which holds every result with its checksum', async () => {
    const names = ['cats/tom.png', '../../evil.png', 'a\tb.png'];
    const { job, items } = await writeJob(stage, { images: 3, names });
    await work();
    const ended = await untilFinal(stage, job.id);

    expect(ended).toMatchObject({ state: 'completed', error: null });
    expect(ended.counts).toEqual({ total: 3, completed: 3, failed: 0 });
    expect(ended.startedAt).not.toBeNull();
    expect(ended.finalizingAt).not.toBeNull();
    expect(ended.completedAt).not.toBeNull();
    const result = imageResult.parse(
      JSON.parse((await readResult(job.id, 'img_00000001', 'result.json')).toString()),
    );
    expect(result).toMatchObject({ image: { name: '../../evil.png' }, grids: [{ rows: 9 }] });
    expect(result.files.toSorted()).toEqual([
      'attribution.npy',
      'heatmap.png',
      'overlay.png',
      'predicted-classes.npy',
      'scores.npy',
      'thumbnail.webp',
    ]);

    const zip = await readZip(await stage.store.get(keys.archive(tenant, job.id)));
    const sums = (zip.get('SHA256SUMS')?.toString() ?? '').trim().split('\n');
    expect(sums).toHaveLength(3 * (result.files.length + 1));
    for (const line of sums) {
      const [digest, path = ''] = line.split('  ');
      const entry = zip.get(path) ?? Buffer.alloc(0);
      expect(createHash('sha256').update(entry).digest('hex')).toBe(digest);
    }
    expect(zip.size).toBe(sums.length + 4);
    expect([...zip.keys()].filter((name) => /\.\.|^\/|\s/.test(name))).toEqual([]);
    const scores = zip.get('tom__img_00000000/scores.npy');
    expect(scores).toEqual(await readResult(job.id, 'img_00000000', 'scores.npy'));
    const manifest = (zip.get('manifest.jsonl')?.toString() ?? '').trim().split('\n');
    expect(manifest.map((line) => JSON.parse(line).name)).toEqual(items.map(({ name }) => name));
    expect(zip.get('errors.jsonl')).toHaveLength(0);
    expect(JSON.parse(zip.get('provenance.json')?.toString() ?? '')).toMatchObject({
      job: job.id,
      model: job.model,
      settings: job.settings,
    });
  });

  test('leaves nothing behind in Redis, and no marker in the store', async () => {
    const { job } = await writeJob(stage, { images: 2 });
    await work();
    await untilFinal(stage, job.id);
    const marker = () => stage.store.head(keys.activeJob(tenant, job.id));
    await until('the marker to go', async () => ((await marker()) === null ? true : null));
    await stopWorkers();
    const left = await redis.keys(`*${job.id}*`);
    // Its last events stay for a while, for those who follow it and were away at its end.
    expect(left.filter((key) => !key.startsWith('umbra:events:'))).toEqual([]);
    for (const key of left) expect(await redis.ttl(key)).toBeGreaterThanOrEqual(0);
  });

  test('gives the same bytes whatever the shard size and the number of workers', async () => {
    const sizes = [1, 3, 9, null];
    const jobs = [];
    for (const rowsPerShard of sizes) {
      jobs.push((await writeJob(stage, { images: 1, rowsPerShard })).job);
    }
    await Promise.all([work({ UMBRA_INFERENCE_THREADS: '2' }), work()]);
    const scores: string[] = [];
    for (const { id } of jobs) {
      expect(await untilFinal(stage, id)).toMatchObject({ state: 'completed' });
      scores.push((await readResult(id, 'img_00000000', 'scores.npy')).toString('hex'));
    }
    expect(scores).toHaveLength(sizes.length);
    expect(new Set(scores).size).toBe(1);
  });

  test('with several targets and patch sizes gives the same bytes whatever the shard size', async () => {
    const settings: OcclusionSettingsInput = {
      patch: [16, { height: 24, width: 12 }],
      stride: 8,
      fill: { kind: 'noise', seed: 5 },
      target: { kind: 'top', k: 3 },
      score: 'log-odds',
    };
    const jobs = [];
    for (const rowsPerShard of [1, 4, null]) {
      jobs.push((await writeJob(stage, { images: 1, rowsPerShard, settings })).job);
    }
    await Promise.all([work({ UMBRA_INFERENCE_THREADS: '2' }), work()]);
    const digests: string[] = [];
    for (const { id } of jobs) {
      expect(await untilFinal(stage, id)).toMatchObject({ state: 'completed' });
      const zip = await readZip(await stage.store.get(keys.archive(tenant, id)));
      const folder = 'photo-0__img_00000000';
      const result = imageResult.parse(JSON.parse(String(zip.get(`${folder}/result.json`))));
      expect(result.targets.map(({ heatmap }) => heatmap)).toEqual([
        'heatmap.png',
        'heatmap-2.png',
        'heatmap-3.png',
      ]);
      const files = [...result.files, 'result.json'];
      expect(files).toHaveLength(6 + 7 + 1 + 1);
      const hash = createHash('sha256');
      for (const file of files) hash.update(zip.get(`${folder}/${file}`) ?? Buffer.alloc(0));
      digests.push(hash.digest('hex'));
    }
    expect(new Set(digests).size).toBe(1);
  });

  test('with refinement or faithfulness runs each image as one shard', async () => {
    const settings: OcclusionSettingsInput = {
      patch: 16,
      stride: 2,
      refine: true,
      faithfulness: { steps: 5 },
    };
    const { job } = await writeJob(stage, { images: 2, rowsPerShard: 1, settings });
    await work();
    expect((await untilFinal(stage, job.id)).counts).toMatchObject({ completed: 2, failed: 0 });
    const text = (await readResult(job.id, 'img_00000001', 'result.json')).toString();
    const result = imageResult.parse(JSON.parse(text));
    expect(result.approximate).toBe(true);
    expect(result.grids).toMatchObject([{ rows: 25, columns: 25, computed: 156 }]);
    expect(result.targets[0]?.faithfulness).toMatchObject({ pointingGame: null });
  });

  test('takes labels and boxes from its dataset, and fails an image without a label alone', async () => {
    const settings: OcclusionSettingsInput = {
      patch: 16,
      target: { kind: 'label' },
      faithfulness: { steps: 4 },
    };
    const { job, items } = await writeJob(stage, { images: 2, settings });
    const box = { top: 0, left: 0, bottom: 70, right: 80 };
    const lines = items.map((item, at) => (at === 0 ? { ...item, label: 'kind 3', box } : item));
    await stage.store.put(
      keys.manifest(tenant, job.dataset),
      lines.map((item) => `${JSON.stringify(item)}\n`).join(''),
    );
    await work();
    expect((await untilFinal(stage, job.id)).counts).toMatchObject({ completed: 1, failed: 1 });
    const text = (await readResult(job.id, 'img_00000000', 'result.json')).toString();
    expect(imageResult.parse(JSON.parse(text)).targets).toMatchObject([
      { index: 3, faithfulness: { pointingGame: true } },
    ]);
  });

  test('is counted once by two workers, even when two dispatch at the same time', async () => {
    const { job } = await writeJob(stage, { images: 24, rowsPerShard: 5 });
    const dispatch = new Queue(queueNames.dispatch, {
      connection: { url: stage.redisUrl },
      prefix: redisPrefix,
    });
    await Promise.all([work(), work()]);
    // A second dispatcher, as there is one for a while after the first has lost its lock unheard.
    await enqueueDispatcher(dispatch, 'second');
    const ended = await untilFinal(stage, job.id);
    expect(ended.counts).toEqual({ total: 24, completed: 24, failed: 0 });
    await dispatch.close();
  });

  test('never has more images in the queue than its window', async () => {
    const { job } = await writeJob(stage, { images: 30 });
    const merge = new Queue(queueNames.merge, {
      connection: { url: stage.redisUrl },
      prefix: redisPrefix,
    });
    await work({ UMBRA_WINDOW_IMAGES: '4' });
    const seen: number[] = [];
    await until('the job to end', async () => {
      seen.push(await merge.getJobCountByTypes('waiting-children', 'wait', 'delayed'));
      return (await readRecord(stage, job.id)).state === 'completed' ? true : null;
    });
    expect(Math.max(...seen)).toBeLessThanOrEqual(4);
    expect(Math.max(...seen)).toBeGreaterThan(1);
    await merge.close();
  });
});

describe('a fault of one image', () => {
  test('fails that image alone when its photo has changed in the store', async () => {
    const { job, items } = await writeJob(stage, { images: 3 });
    const bad = items[1]?.sha256 ?? '';
    await stage.store.put(keys.image(tenant, job.dataset, bad), Buffer.from('not the photo'));
    await work();
    const ended = await untilFinal(stage, job.id);
    expect(ended).toMatchObject({ state: 'completed' });
    expect(ended.counts).toEqual({ total: 3, completed: 2, failed: 1 });
    const error = errorReport.parse(
      JSON.parse((await stage.store.get(keys.error(tenant, job.id, 'img_00000001'))).toString()),
    );
    expect(error.code).toBe('integrity');
    expect(error.message).toContain(bad);
    const zip = await readZip(await stage.store.get(keys.archive(tenant, job.id)));
    expect(JSON.parse(zip.get('errors.jsonl')?.toString() ?? '')).toMatchObject({
      id: 'img_00000001',
      error: { code: 'integrity' },
    });
  });

  test('leaves none of its files in the archive, whatever a failed merge has written', async () => {
    const { job, items } = await writeJob(stage, { images: 2 });
    const [item] = items.map((value) => datasetItem.parse(value));
    await stage.store.put(keys.image(tenant, job.dataset, item?.sha256 ?? ''), 'broken');
    await stage.store.put(keys.result(tenant, job.id, 'img_00000000', 'heatmap.png'), 'half');
    await work();
    expect((await untilFinal(stage, job.id)).counts).toMatchObject({ completed: 1, failed: 1 });
    const zip = await readZip(await stage.store.get(keys.archive(tenant, job.id)));
    expect([...zip.keys()].filter((name) => name.includes('img_00000000'))).toEqual([]);
    expect(zip.get('SHA256SUMS')?.toString()).not.toContain('img_00000000');
  });

  test('fails that image, not the job, when its merge stalls too often', async () => {
    const { job, items } = await writeJob(stage, { images: 2 });
    const [item] = items;
    const { dataset, model, settings } = job;
    const flows = new FlowProducer({ connection: { url: stage.redisUrl }, prefix: redisPrefix });
    await flows.add({
      name: queueNames.merge,
      queueName: queueNames.merge,
      data: { version: 1, tenant, jobId: job.id, dataset, item, model, settings },
      opts: { ...outageJobOptions, jobId: queueJobIds.merge(job.id, 1, 'img_00000000') },
    });
    // What the queue writes once a job has stalled too often.
    const key = `${redisPrefix}:${queueNames.merge}:${queueJobIds.merge(job.id, 1, 'img_00000000')}`;
    await redis.hset(key, 'defa', 'job stalled more than allowable limit');
    await work();
    expect((await untilFinal(stage, job.id)).counts).toEqual({ total: 2, completed: 1, failed: 1 });
    await flows.close();
  });
});

describe('a fault of a whole job', () => {
  const impossible: [string, OcclusionSettingsInput, string][] = [
    ['a class the model does not have', { target: { kind: 'class', index: 999 } }, 'invalid_input'],
    ['a patch larger than the input', { patch: 65, stride: 8 }, 'invalid_input'],
  ];
  test.each(impossible)('fails every image with the reason for %s', async (_, settings, code) => {
    const { job } = await writeJob(stage, { images: 2, settings });
    await work();
    expect((await untilFinal(stage, job.id)).counts).toEqual({ total: 2, completed: 0, failed: 2 });
    const error = JSON.parse(
      (await stage.store.get(keys.error(tenant, job.id, 'img_00000001'))).toString(),
    );
    expect(error).toMatchObject({ code });
  });

  test('fails the job with the reason when the operator forbids its strategy', async () => {
    const { job } = await writeJob(stage, { images: 1, settings: { strategy: 'incremental' } });
    await work({ UMBRA_FORBID_INCREMENTAL: '1' });
    const ended = await untilFinal(stage, job.id);
    expect(ended).toMatchObject({ state: 'failed', error: { code: 'invalid_input' } });
    expect(ended.error?.message).toContain('UMBRA_FORBID_INCREMENTAL');
  });

  test('fails the job and names the dataset when that is missing', async () => {
    const { job } = await writeJob(stage, { images: 1 });
    await stage.store.delete(keys.manifest(tenant, job.dataset));
    await work();
    const ended = await untilFinal(stage, job.id);
    expect(ended).toMatchObject({ state: 'failed', error: { code: 'not_found' } });
    expect(ended.error?.message).toContain(job.dataset);
    expect(ended.failedAt).not.toBeNull();
    const marker = () => stage.store.head(keys.activeJob(tenant, job.id));
    await until('the marker to go', async () => ((await marker()) === null ? true : null));
  });
});

describe('a job whose Redis loses', () => {
  const finishedImages = async (jobId: string): Promise<string[]> => {
    const found: string[] = [];
    for await (const { key } of stage.store.list(keys.results(tenant, jobId))) {
      if (key.endsWith('/result.json')) found.push(key);
    }
    return found;
  };

  test('everything continues from the store, and keeps finished images', async () => {
    const { job } = await writeJob(stage, { images: 24 });
    await work({ UMBRA_WINDOW_IMAGES: '3' });
    const before = await until('some images to finish', async () => {
      const found = await finishedImages(job.id);
      return found.length >= 4 ? found : null;
    });
    expect(before.length).toBeLessThan(24);
    await stopWorkers();
    const marked = before[0] ?? '';
    const kept = JSON.parse((await stage.store.get(marked)).toString());
    await putJson(stage.store, marked, { ...kept, version: 1, marked: true });
    await redis.flushall();

    await work();
    const ended = await untilFinal(stage, job.id);
    expect(ended.counts).toEqual({ total: 24, completed: 24, failed: 0 });
    expect(JSON.parse((await stage.store.get(marked)).toString())).toHaveProperty('marked', true);
  });

  test('everything while workers run completes all the same', async () => {
    const { job } = await writeJob(stage, { images: 24 });
    await Promise.all([work({ UMBRA_WINDOW_IMAGES: '3' }), work({ UMBRA_WINDOW_IMAGES: '3' })]);
    for (const images of [2, 8]) {
      await until('some images to finish', async () =>
        (await finishedImages(job.id)).length >= images ? true : null,
      );
      await redis.flushall();
    }
    const ended = await untilFinal(stage, job.id);
    expect(ended.counts).toEqual({ total: 24, completed: 24, failed: 0 });
  });

  test('its images, but not the job, completes all the same', async () => {
    const { job } = await writeJob(stage, { images: 20, rowsPerShard: 1 });
    await work({ UMBRA_WINDOW_IMAGES: '6' });
    await until('some images to finish', async () =>
      (await finishedImages(job.id)).length >= 3 ? true : null,
    );
    await stopWorkers();
    for (const queue of [queueNames.merge, queueNames.shard]) {
      const lost = await redis.keys(`${redisPrefix}:${queue}:*`);
      if (lost.length > 0) await redis.del(...lost);
    }
    await work();
    const ended = await untilFinal(stage, job.id);
    expect(ended.counts).toEqual({ total: 20, completed: 20, failed: 0 });
  });

  test('its archive has it written again', async () => {
    const { job } = await writeJob(stage, { images: 2 });
    await work();
    await untilFinal(stage, job.id);
    await stopWorkers();
    await redis.flushall();
    const ended = await readRecord(stage, job.id);
    await stage.store.delete(keys.archive(tenant, job.id));
    await putJson(stage.store, keys.job(tenant, job.id), {
      ...ended,
      state: 'finalizing',
      completedAt: null,
    });
    await stage.store.put(keys.activeJob(tenant, job.id), '');
    await work();
    expect(await untilFinal(stage, job.id)).toMatchObject({ state: 'completed' });
    expect(await stage.store.head(keys.archive(tenant, job.id))).not.toBeNull();
  });
});
