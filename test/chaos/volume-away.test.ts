import { mkdir, readdir, rename, rmdir } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { startApi } from '@umbra/api';
import { apiConfig } from '@umbra/api/config';
import { readConfig } from '@umbra/platform/config';
import { createFsStore } from '@umbra/platform/store/fs-store';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Stage, setStage, until } from '../support/job-fixture.js';
import { spawnWorker } from '../support/worker-process.js';

let stage: Stage;
let redis: Redis;
let folder: string;

beforeAll(async () => {
  stage = await setStage();
  redis = new Redis(stage.redisUrl);
  folder = stage.env.UMBRA_STORE_DIR ?? '';
});
beforeEach(() => redis.flushall());
afterAll(async () => {
  redis?.disconnect();
  await stage?.close();
});

/** The mount point is there, the volume is not. */
async function unmount(): Promise<void> {
  await rename(folder, `${folder}-away`);
  await mkdir(folder);
}

/** Fails unless nothing was put into the mount point. */
async function mount(): Promise<void> {
  await rmdir(folder);
  await rename(`${folder}-away`, folder);
}

const countClients = async () =>
  String(await redis.client('LIST'))
    .trim()
    .split('\n').length;
const startApiHere = (more: Record<string, string> = {}) =>
  startApi(
    readConfig(apiConfig, {
      ...{ ...stage.env, UMBRA_PORT: '0', UMBRA_AUTH: 'none', UMBRA_MODELS_DIR: '' },
      ...more,
    }),
  );

describe('a process that starts while the volume of its store is away makes no store', () => {
  test('a worker waits for it', async () => {
    const before = await countClients();
    await unmount();
    const starting = spawnWorker(stage.env);
    try {
      await until('the worker to connect', async () => (await countClients()) > before || null);
      await sleep(500);
      expect(await readdir(folder)).toEqual([]);
      await mount();
    } finally {
      await (await starting).end('SIGKILL');
    }
  });

  test('an API that knew of it is not ready until it is back', async () => {
    const first = await startApiHere();
    await until('Redis to know of the store', () => redis.get('umbra:store'));
    await first.close();
    await unmount();
    const api = await startApiHere();
    try {
      const away = await fetch(`${api.url}/readyz`);
      expect(away.status).toBe(503);
      expect(JSON.stringify(await away.json())).toContain('is its volume mounted?');
      expect((await fetch(`${api.url}/v1/jobs/job_${'a'.repeat(20)}`)).status).toBe(503);
      await mount();
      await until('the API to be ready', async () =>
        (await fetch(`${api.url}/readyz`)).ok ? true : null,
      );
    } finally {
      await api.close();
    }
  });
});

test('an API makes the store of a new installation', async () => {
  const fresh = `${folder}-fresh`;
  const api = await startApiHere({ UMBRA_STORE_DIR: fresh });
  try {
    expect((await fetch(`${api.url}/readyz`)).status).toBe(200);
    expect(await readdir(fresh)).toContain('umbra-store.json');
    await createFsStore(fresh).check();
  } finally {
    await api.close();
  }
});
