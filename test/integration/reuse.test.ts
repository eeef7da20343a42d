import { gzipSync } from 'node:zlib';
import { outageJobOptions } from '@umbra/platform/queues/enqueue';
import { queueNames, redisPrefix } from '@umbra/platform/queues/names';
import { getJson, putJson } from '@umbra/platform/store/json';
import { defaultTenant, keys } from '@umbra/platform/store/keys';
import { getRows, putRows } from '@umbra/platform/store/rows';
import type { DatasetItem } from '@umbra/shared/contracts/dataset';
import type { JobRecord } from '@umbra/shared/contracts/job';
import { imageResult } from '@umbra/shared/contracts/result';
import type { OcclusionSettingsInput } from '@umbra/shared/contracts/settings';
import { mergePayload, type ShardResult } from '@umbra/shared/contracts/shard';
import { imageIdAt } from '@umbra/shared/ids';
import { addressOf } from '@umbra/shared/occlusion/address';
import { type RunningWorker, startWorker } from '@umbra/worker';
import { FlowProducer, Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Stage, setStage, until, untilFinal, writeJob } from '../support/job-fixture.js';
import { readMetrics } from '../support/read-metrics.js';

/** Of the fixture's settings: 9 rows of 9 positions. */
const positions = 81;
const whole = { rowStart: 0, rowEnd: 9 };
let stage: Stage;
let redis: Redis;
const workers: RunningWorker[] = [];

const work = async (changes: Record<string, string> = {}): Promise<RunningWorker> => {
  const worker = await startWorker(stage.config({ UMBRA_METRICS_PORT: '0', ...changes }));
  workers.push(worker);
  return worker;
};
const stopWorkers = () => Promise.all(workers.splice(0).map((worker) => worker.close()));

/** Positions that workers have run and taken, as their metrics tell. */
async function countPositions(): Promise<{ run: number; taken: number }> {
  let [run, taken] = [0, 0];
  for (const { metricsUrl } of workers) {
    const metrics = await readMetrics(metricsUrl);
    run += metrics.sum('umbra_positions_total');
    taken += metrics.sum('umbra_reused_positions_total');
  }
  return { run, taken };
}

async function listKeys(prefix: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { key } of stage.store.list(prefix)) found.push(key);
  return found;
}
const listRows = (tenant: string) => listKeys(`tenants/${tenant}/rows/`);

const readResult = (jobId: string, image = imageIdAt(0)) =>
  getJson(stage.store, keys.result(defaultTenant, jobId, image, 'result.json'), imageResult);
const readScores = (jobId: string, image = imageIdAt(0)) =>
  stage.store.get(keys.result(defaultTenant, jobId, image, 'scores.npy'));

/** What the first image's rows are kept under. */
const addressIn = ({ job, items }: { job: JobRecord; items: DatasetItem[] }): string =>
  addressOf({ item: items[0] as DatasetItem, model: job.model, settings: job.settings });

beforeAll(async () => {
  stage = await setStage();
  redis = new Redis(stage.redisUrl, { maxRetriesPerRequest: null });
});
beforeEach(() => redis.flushall());
afterEach(async () => {
  await stopWorkers();
  for (const key of await listKeys('tenants/')) await stage.store.delete(key);
});
afterAll(async () => {
  redis.disconnect();
  await stage.close();
});

describe('the same work in another job', () => {
  test('is reused from the first, whatever its shards, even if that job is deleted', async () => {
    await work();
    const first = await writeJob(stage, { images: 2, reuse: true });
    await untilFinal(stage, first.job.id);
    const scores = await readScores(first.job.id);
    expect(await countPositions()).toEqual({ run: 2 * positions, taken: 0 });
    expect(await readResult(first.job.id)).toMatchObject({ version: 5, reused: false });
    const { provenance } = await readResult(first.job.id);
    for (const key of await listKeys(keys.jobFiles(defaultTenant, first.job.id))) {
      await stage.store.delete(key);
    }

    const second = await writeJob(stage, { images: 3, rowsPerShard: 2, reuse: true });
    const ended = await untilFinal(stage, second.job.id);
    expect(ended.counts).toEqual({ total: 3, completed: 3, failed: 0 });
    expect(await countPositions()).toEqual({ run: 3 * positions, taken: 2 * positions });
    expect(await readScores(second.job.id)).toEqual(scores);
    expect(await readResult(second.job.id)).toMatchObject({ reused: true, provenance });
    expect(await readResult(second.job.id, imageIdAt(2))).toMatchObject({ reused: false });
    expect(await listRows(defaultTenant)).toHaveLength(3);
  });

  test('is computed again where the job turns reuse off, and then is not kept', async () => {
    await work();
    const off = await writeJob(stage, { images: 1, reuse: false });
    await untilFinal(stage, off.job.id);
    expect(await listRows(defaultTenant)).toEqual([]);
    const on = await writeJob(stage, { images: 1, reuse: true });
    await untilFinal(stage, on.job.id);
    const again = await writeJob(stage, { images: 1, reuse: false });
    await untilFinal(stage, again.job.id);
    expect(await readResult(again.job.id)).toMatchObject({ reused: false });
    expect(await countPositions()).toEqual({ run: 3 * positions, taken: 0 });
  });

  test('is not reused for other settings, watched labels or tenants', async () => {
    await work();
    const settings: OcclusionSettingsInput[] = [
      { patch: 16, stride: 6 },
      { patch: 16, stride: 6, fill: { kind: 'mean' } },
      { patch: 16, stride: 6, score: 'log-odds' },
      { patch: 16, stride: 6, strategy: 'dense' },
      { patch: 16, stride: 6, target: { kind: 'class', index: 1 } },
      { patch: 16, stride: 6, faithfulness: { steps: 4 } },
    ];
    for (const one of settings) {
      const { job } = await writeJob(stage, { images: 1, settings: one, reuse: true });
      await untilFinal(stage, job.id);
      expect(await readResult(job.id)).toMatchObject({ reused: false });
    }
    expect(await listRows(defaultTenant)).toHaveLength(settings.length);
    expect((await countPositions()).taken).toBe(0);

    await writeOther(await writeJob(stage, { images: 1, reuse: true }));
    await until('the rows', async () => ((await listRows('other')).length === 1 ? true : null));
    expect((await countPositions()).taken).toBe(positions);
  });

  /** The same image of another tenant, by the queue alone; its job has run as the default tenant's. */
  async function writeOther({ job, items }: { job: JobRecord; items: DatasetItem[] }) {
    await untilFinal(stage, job.id);
    const [item] = items as [DatasetItem];
    const photo = await stage.store.get(keys.image(defaultTenant, job.dataset, item.sha256));
    await stage.store.put(keys.image('other', job.dataset, item.sha256), photo);
    await addImage({ job, items }, [whole], 'other');
    const result = keys.result('other', job.id, item.id, 'result.json');
    await until('the result', () => stage.store.head(result));
    expect(await getJson(stage.store, result, imageResult)).toMatchObject({ reused: false });
  }

  test('is not reused from damaged objects, which are written again', async () => {
    await work();
    const given = { images: 1, reuse: true } as const;
    const first = await writeJob(stage, given);
    await untilFinal(stage, first.job.id);
    const scores = await readScores(first.job.id);
    const address = addressIn(first);
    const key = keys.rows(defaultTenant, address, whole);
    const good = await stage.store.get(key);
    const rows = await getRows(stage.store, key, address);
    const damage: Record<string, () => Promise<void>> = {
      empty: () => stage.store.put(key, ''),
      'cut off': () => stage.store.put(key, good.subarray(0, good.length - 9)),
      'with a changed bit': () => {
        const changed = Buffer.from(good);
        const at = changed.length >> 1;
        changed[at] = (changed[at] ?? 0) ^ 4;
        return stage.store.put(key, changed);
      },
      'no JSON': () => stage.store.put(key, gzipSync('{')),
      'of other work': () => putRows(stage.store, key, 'f'.repeat(64), rows),
      'of other rows': () => putRows(stage.store, key, address, { ...rows, rowEnd: 8 }),
      'too short': () =>
        putRows(stage.store, key, address, {
          ...rows,
          predictedClasses: rows.predictedClasses.slice(0, 400),
        }),
    };
    let run = positions;
    for (const [what, spoil] of Object.entries(damage)) {
      await spoil();
      const { job } = await writeJob(stage, given);
      await untilFinal(stage, job.id);
      expect(await readResult(job.id), what).toMatchObject({ reused: false });
      expect(await readScores(job.id), what).toEqual(scores);
      expect(await getRows(stage.store, key, address), what).toMatchObject({
        rowStart: 0,
        rowEnd: 9,
      });
      run += positions;
    }
    expect(await countPositions()).toEqual({ run, taken: 0 });
  });
});

test('an image that a dataset holds several times is run once', async () => {
  const { job, items } = await writeJob(stage, { images: 6, rowsPerShard: 3, reuse: true });
  const [first] = items as [DatasetItem];
  const { sha256, width, height, bytes } = first;
  const copies = items.map((item) => ({ ...item, sha256, width, height, bytes }));
  const manifest = copies.map((item) => `${JSON.stringify(item)}\n`).join('');
  await stage.store.put(keys.manifest(defaultTenant, job.dataset), manifest);
  await Promise.all([work(), work()]);
  const ended = await untilFinal(stage, job.id);
  expect(ended.counts).toEqual({ total: 6, completed: 6, failed: 0 });
  expect(await countPositions()).toEqual({ run: positions, taken: 5 * positions });
});

test('a lease whose owner died expires, and the image is run', async () => {
  const written = await writeJob(stage, { images: 1, reuse: true });
  const key = `${redisPrefix}:claim:rows:${defaultTenant}:${addressIn(written)}`;
  await redis.set(key, 'somebody-else', 'PX', 1_000);
  await work();
  expect((await untilFinal(stage, written.job.id)).counts).toMatchObject({ completed: 1 });
  expect(await countPositions()).toEqual({ run: positions, taken: 0 });
  expect(await redis.exists(key)).toBe(0);
});

test('a retried image computes only the rows that had failed', async () => {
  const written = await writeJob(stage, { images: 1, rowsPerShard: 4, reuse: true });
  const { job } = written;
  const marker = keys.activeJob(defaultTenant, job.id);
  await stage.store.delete(marker);
  await work({ UMBRA_STEPS: 'shard,merge' });
  // The last shard asks for rows that the grid does not have, and fails.
  const bands = [
    { rowStart: 0, rowEnd: 3 },
    { rowStart: 5, rowEnd: 8 },
  ];
  await addImage(written, [...bands, { rowStart: 8, rowEnd: 10 }]);
  const error = keys.error(defaultTenant, job.id, imageIdAt(0));
  await until('the image to fail', () => stage.store.head(error));
  await stopWorkers();
  const address = addressIn(written);
  const kept = bands.map((rows) => keys.rows(defaultTenant, address, rows));
  expect(await listRows(defaultTenant)).toEqual(kept);

  await redis.flushall();
  await stage.store.delete(error);
  await putJson(stage.store, keys.job(defaultTenant, job.id), { ...job, attempt: 2 });
  await stage.store.put(marker, '');
  await work();
  expect((await untilFinal(stage, job.id)).counts).toMatchObject({ completed: 1, failed: 0 });
  expect(await countPositions()).toEqual({ run: 3 * 9, taken: 6 * 9 });
  expect(await readResult(job.id)).toMatchObject({ reused: true });
  expect(await listRows(defaultTenant)).toEqual([keys.rows(defaultTenant, address, whole)]);
  const fresh = await writeJob(stage, { images: 1 });
  await untilFinal(stage, fresh.job.id);
  expect(await readScores(job.id)).toEqual(await readScores(fresh.job.id));
});

test('results too large for Redis go through the store, and give the same bytes', async () => {
  const settings: OcclusionSettingsInput = { patch: 16, stride: 1, target: { kind: 'top', k: 5 } };
  const large = { images: 1, rowsPerShard: 49, settings };
  const { job } = await writeJob(stage, large);
  const folder = `${keys.jobFiles(defaultTenant, job.id)}shards/`;
  const shards = await work({ UMBRA_STEPS: 'dispatch,shard' });
  const merge = new Queue(queueNames.merge, {
    connection: { url: stage.redisUrl },
    prefix: redisPrefix,
  });
  const [waiting] = await until('the merge to wait', async () => {
    const found = await merge.getJobs(['waiting', 'prioritized']);
    return found.length > 0 ? found : null;
  });
  expect(await listKeys(folder)).toEqual([`${folder}${imageIdAt(0)}/0-49.json.gz`]);
  const returned = JSON.stringify(await waiting?.getChildrenValues());
  expect(returned.length).toBeLessThan(1024);
  await merge.close();
  await shards.close();
  await work();
  await untilFinal(stage, job.id);
  await until('the shard to go', async () => ((await listKeys(folder)).length === 0 ? true : null));
  const small = await writeJob(stage, { ...large, rowsPerShard: 5 });
  await untilFinal(stage, small.job.id);
  expect(await readScores(job.id)).toEqual(await readScores(small.job.id));
});

test.each([2, 3])('a merge reads results of version %i', async (version) => {
  const written = await writeJob(stage, { images: 1, reuse: true });
  const { job, items } = written;
  await work();
  await untilFinal(stage, job.id);
  const key = keys.rows(defaultTenant, addressIn(written), whole);
  const { reused, baseline, predictedClasses, ...rows }: ShardResult = await getRows(
    stage.store,
    key,
    addressIn(written),
  );
  const shared = { ...rows, version, clean: baseline, winners: predictedClasses };
  const returned = version === 2 ? shared : { ...shared, reused };
  const scores = await readScores(job.id);
  await stopWorkers();
  await stage.store.delete(keys.result(defaultTenant, job.id, imageIdAt(0), 'result.json'));
  await stage.store.delete(keys.result(defaultTenant, job.id, imageIdAt(0), 'scores.npy'));

  await addImage({ job: { ...job, reuse: false }, items }, [whole]);
  const shard = new Queue(queueNames.shard, {
    connection: { url: stage.redisUrl },
    prefix: redisPrefix,
  });
  // As a worker of that version would end it.
  const { Worker } = await import('bullmq');
  const old = new Worker(queueNames.shard, async () => returned, {
    connection: { url: stage.redisUrl },
    prefix: redisPrefix,
  });
  await until('the shard to end', async () =>
    (await shard.getJobCountByTypes('wait', 'active', 'delayed')) === 0 ? true : null,
  );
  await old.close();
  await shard.close();
  await work({ UMBRA_STEPS: 'merge' });
  const result = keys.result(defaultTenant, job.id, imageIdAt(0), 'result.json');
  await until('the result', () => stage.store.head(result));
  expect(await readScores(job.id)).toEqual(scores);
});

/** Queue the first image as the dispatcher does, in shards of these rows. */
async function addImage(
  { job, items }: { job: JobRecord; items: DatasetItem[] },
  bands: readonly { rowStart: number; rowEnd: number }[],
  tenant: string = defaultTenant,
): Promise<void> {
  const { id: jobId, dataset, model, settings, outputs, attempt, reuse } = job;
  const [item] = items;
  const data = {
    version: 3,
    tenant,
    jobId,
    dataset,
    item,
    model,
    settings,
    outputs,
    attempt,
    reuse,
  } as const;
  const name = `${tenant}-${jobId}`;
  const flows = new FlowProducer({ connection: { url: stage.redisUrl }, prefix: redisPrefix });
  await flows.add({
    ...{ name: queueNames.merge, queueName: queueNames.merge, data: mergePayload.parse(data) },
    opts: { ...outageJobOptions, jobId: `merge-${name}` },
    children: bands.map((rows) => ({
      ...{ name: queueNames.shard, queueName: queueNames.shard, data: { ...data, ...rows } },
      opts: {
        ...{ ...outageJobOptions, attempts: 3, ignoreDependencyOnFailure: true },
        jobId: `shard-${name}-${rows.rowStart}`,
      },
    })),
  });
  await flows.close();
}
