import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readVerifiedBundle } from '@umbra/engine';
import { encodeOnnx, endlessOnBright, writeTinyBundle } from '@umbra/engine/testing';
import { queueNames, redisPrefix } from '@umbra/platform/queues/names';
import { putJson } from '@umbra/platform/store/json';
import { defaultTenant, keys } from '@umbra/platform/store/keys';
import { publishModel } from '@umbra/platform/store/models';
import { newDataset } from '@umbra/shared/contracts/dataset';
import { imageIdAt } from '@umbra/shared/ids';
import { Redis } from 'ioredis';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { spawnApi } from '../support/api-process.js';
import { type Stage, setStage, until, untilFinal, writeJob } from '../support/job-fixture.js';
import { spawnWorker, type WorkerProcess } from '../support/worker-process.js';
import { createOrders } from './orders.mjs';

/** Far more than inference takes on a machine that others use too. */
const deadlineSeconds = 10;
/** Processes start and end several times before a job does; machines are slow that others use too. */
const patientMs = 120_000;
const testMs = 200_000;
let stage: Stage;
let redis: Redis;
let orders: ReturnType<typeof createOrders>;
const stops: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  stage = await setStage();
  redis = new Redis(stage.redisUrl, { maxRetriesPerRequest: null });
  orders = createOrders(join(dirname(stage.env.UMBRA_STORE_DIR ?? ''), 'orders'));
});
beforeEach(() => redis.flushall());
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});
afterAll(async () => {
  redis?.disconnect();
  await stage?.close();
});

const spawnOne = async (env: Record<string, string> = {}): Promise<WorkerProcess> => {
  const worker = await spawnWorker({ ...stage.env, ...env });
  stops.push(() => worker.end('SIGKILL'));
  return worker;
};

/** A worker that is started again whenever it ends, as in a cluster. @returns How its processes ended. */
function keepWorker(env: Record<string, string> = {}): unknown[] {
  const ends: unknown[] = [];
  let isOver = false;
  let worker: WorkerProcess | undefined;
  const kept = (async () => {
    while (!isOver) {
      // It may end before it is ready: it takes work up before that.
      worker = await spawnWorker({ ...stage.env, ...env }).catch(() => undefined);
      if (isOver) await worker?.end('SIGKILL');
      const end = worker === undefined ? 'early' : await worker.ended;
      if (!isOver) ends.push(end);
    }
  })();
  stops.push(async () => {
    isOver = true;
    await worker?.end('SIGKILL');
    await kept;
  });
  return ends;
}

const errorOf = async (jobId: string, index: number): Promise<unknown> =>
  JSON.parse(
    (await stage.store.get(keys.error(defaultTenant, jobId, imageIdAt(index)))).toString(),
  );
const untilActive = () =>
  until('a shard to be at work', async () =>
    (await redis.llen(`${redisPrefix}:${queueNames.shard}:active`)) > 0 ? true : null,
  );
const whitePhoto = () =>
  sharp({ create: { width: 80, height: 70, channels: 3, background: 'white' } })
    .png()
    .toBuffer();
/** A model that does not end on white photos. */
async function publishEndless() {
  const folder = dirname(stage.env.UMBRA_STORE_DIR ?? '');
  const onnx = encodeOnnx(endlessOnBright());
  const bundle = await writeTinyBundle(folder, { name: 'endless', size: 64, onnx });
  return publishModel(stage.store, bundle, await readVerifiedBundle(bundle));
}

/** The processes for suspects that a worker has. */
async function listApart(pid: number): Promise<number[]> {
  const found: number[] = [];
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const [stat, command] = await Promise.all(
      ['stat', 'cmdline'].map((file) => readFile(`/proc/${name}/${file}`, 'utf8').catch(() => '')),
    );
    const parent = Number(stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
    if (parent === pid && command?.includes('apart-process')) found.push(Number(name));
  }
  return found;
}
const isGone = async (pid: number): Promise<boolean> => {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null);
  return stat === null || stat.slice(stat.lastIndexOf(')') + 2).startsWith('Z');
};
/** Time that a process has had on the processors, in ticks of the clock. */
async function readTicks(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(fields[11]) + Number(fields[12]);
}

describe('an image that ends the process that runs it', () => {
  test(
    'costs one worker and two children, fails alone, and the others complete',
    async () => {
      const images = 5;
      const poisoned = 2;
      const { job, items } = await writeJob(stage, { images, rowsPerShard: 3 });
      const { id, name, sha256 } = items[poisoned] ?? { id: '', name: '', sha256: '' };
      const order = orders.killAlways(`/images/${sha256}`);
      const ends = keepWorker({ ...orders.env, UMBRA_INFERENCE_THREADS: '3' });
      const ended = await untilFinal(stage, job.id, patientMs);
      order.withdraw();
      expect(ended).toMatchObject({
        state: 'completed',
        counts: { total: images, completed: images - 1, failed: 1 },
      });
      expect(await errorOf(job.id, poisoned)).toEqual({
        code: 'poison',
        message: `${name} (${id}, sha256 ${sha256.slice(0, 12)}…) ended the process that ran it 2 times: signal SIGKILL`,
      });
      expect(ends).toEqual(['SIGKILL']);
      expect(order.deaths()).toBe(3);
    },
    testMs,
  );

  test(
    'a worker that is killed from outside at the same shard again and again fails nothing',
    async () => {
      const settings = { patch: 2, stride: 1 };
      const { job } = await writeJob(stage, { images: 1, rowsPerShard: 63, settings });
      const first = await spawnOne();
      await untilActive();
      await first.end('SIGKILL');
      for (let kills = 1; kills < 5; kills++) {
        const worker = await spawnOne();
        const apart = await until('it to run apart', async () => {
          const pids = await listApart(worker.pid);
          return pids.length > 0 ? pids : null;
        });
        expect(apart).toHaveLength(1);
        await worker.end('SIGKILL');
        // Whatever it is at, it ends with its parent.
        await until('the child to end', async () =>
          (await Promise.all(apart.map(isGone))).every(Boolean) ? true : null,
        );
      }
      await spawnOne();
      const ended = await untilFinal(stage, job.id, patientMs);
      expect(ended.counts).toEqual({ total: 1, completed: 1, failed: 0 });
    },
    testMs,
  );
});

describe('a merge that ends the process that runs it', () => {
  test(
    'costs one worker and two children, and fails its image with words of its own',
    async () => {
      const { job, items } = await writeJob(stage, { images: 3 });
      const [first] = items;
      const order = orders.killAlways(`/jobs/${job.id}/.*${first?.id}.*heatmap\\.png`);
      const ends = keepWorker(orders.env);
      const ended = await untilFinal(stage, job.id, patientMs);
      order.withdraw();
      expect(ended.counts).toEqual({ total: 3, completed: 2, failed: 1 });
      expect(await errorOf(job.id, 0)).toEqual({
        code: 'poison',
        message: `${first?.name} (${first?.id}, sha256 ${first?.sha256.slice(0, 12)}…) ended the process that ran it 2 times: signal SIGKILL`,
      });
      expect(ends).toEqual(['SIGKILL']);
      expect(order.deaths()).toBe(3);
    },
    testMs,
  );
});

describe('a network that does not end', () => {
  test(
    'ends its worker, and then its image alone',
    async () => {
      const model = await publishEndless();
      const photos = new Map([[1, await whitePhoto()]]);
      const { job, items } = await writeJob(stage, { images: 3, photos, model });
      const ends = keepWorker({ UMBRA_BATCH_DEADLINE_S: String(deadlineSeconds) });
      const ended = await untilFinal(stage, job.id, patientMs);
      expect(ended.counts).toEqual({ total: 3, completed: 2, failed: 1 });
      expect(await errorOf(job.id, 1)).toEqual({
        code: 'poison',
        message: `${items[1]?.name} (${items[1]?.id}, sha256 ${items[1]?.sha256.slice(0, 12)}…) ended the process that ran it 2 times: did not end within ${deadlineSeconds} s`,
      });
      expect(ends).toEqual(['SIGKILL']);
    },
    testMs,
  );

  test(
    'does not keep its worker from ending at SIGTERM',
    async () => {
      const model = await publishEndless();
      const photos = new Map([[0, await whitePhoto()]]);
      const { job } = await writeJob(stage, { images: 1, photos, model });
      // No worker of a later test takes it up.
      stops.push(() => stage.store.delete(keys.activeJob(defaultTenant, job.id)));
      const worker = await spawnOne({ UMBRA_SHUTDOWN_MS: '500' });
      await untilActive();
      const before = await readTicks(worker.pid);
      // Far more than loading and running the model takes: it runs for ever by now.
      await until('it to run on', async () =>
        (await readTicks(worker.pid)) - before > 500 ? true : null,
      );
      expect(await worker.end('SIGTERM')).toBe('SIGKILL');
    },
    testMs,
  );
});

describe('a model that ends every process', () => {
  test(
    'is set aside, listed, refused, and lifted',
    async () => {
      const models = join(dirname(stage.env.UMBRA_STORE_DIR ?? ''), 'no-models');
      await mkdir(models, { recursive: true });
      const api = await spawnApi({ ...stage.env, UMBRA_MODELS_DIR: models });
      stops.push(() => api.kill());
      const ask = async (path: string, body?: object) => {
        const response = await fetch(`${api.url}${path}`, {
          method: body === undefined ? 'GET' : 'POST',
          headers: { 'Content-Type': 'application/json' },
          ...(body !== undefined && { body: JSON.stringify(body) }),
        });
        const answered = (await response.json()) as { data: unknown[]; detail: string };
        return { status: response.status, body: answered };
      };
      const { job } = await writeJob(stage, { images: 6 });
      const dataset = { ...newDataset(job.dataset, new Date()), state: 'ready', images: 6 };
      await putJson(stage.store, keys.dataset(defaultTenant, job.dataset), dataset);
      const order = orders.killAlways('/cache/.*bundle\\.json');
      const ends = keepWorker(orders.env);
      const ended = await untilFinal(stage, job.id, patientMs);
      expect(ended).toMatchObject({ state: 'failed', error: { code: 'poison' } });
      expect(ended.error?.message).toContain("Model 'tiny' was set aside");
      expect(ends).toHaveLength(2);
      // Two workers, two processes of two images each, and one of the third.
      expect(order.deaths()).toBe(7);

      const setAside = { reason: expect.stringContaining('3 images'), at: expect.any(String) };
      expect((await ask('/v1/models')).body.data).toContainEqual(
        expect.objectContaining({ name: 'tiny', setAside }),
      );
      const request = { dataset: job.dataset, model: 'tiny', settings: { patch: 16, stride: 6 } };
      const refused = await ask('/v1/jobs', request);
      expect(refused).toMatchObject({ status: 409, body: { code: 'conflict' } });
      expect(refused.body.detail).toContain('was set aside');

      order.withdraw();
      const umbra = fileURLToPath(new URL('../../apps/cli/bin/umbra.mjs', import.meta.url));
      const retry = spawn(process.execPath, [umbra, 'models', 'retry', 'tiny', '--api', api.url]);
      expect(await once(retry, 'exit')).toEqual([0, null]);
      expect((await ask('/v1/models')).body.data).toContainEqual(
        expect.objectContaining({ name: 'tiny', setAside: null }),
      );
      expect((await ask(`/v1/jobs/${job.id}/retry`, {})).status).toBe(202);
      const again = await until('the job to complete', async () => {
        const record = await untilFinal(stage, job.id, patientMs);
        return record.attempt === 2 ? record : null;
      });
      expect(again).toMatchObject({ state: 'completed', counts: { completed: 6, failed: 0 } });
    },
    testMs,
  );
});
