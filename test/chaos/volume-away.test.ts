import { mkdir, readdir, readFile, rename, rm, rmdir } from 'node:fs/promises';
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

const startApiHere = (more: Record<string, string> = {}) =>
  startApi(
    readConfig(apiConfig, {
      ...{ ...stage.env, UMBRA_PORT: '0', UMBRA_AUTH: 'none', UMBRA_MODELS_DIR: '' },
      ...more,
    }),
  );

describe('a process that starts while the volume of its store is away makes no store', () => {
  test('a worker waits for it', async () => {
    await unmount();
    const lines: string[] = [];
    const starting = spawnWorker(stage.env, (line) => lines.push(line));
    try {
      await until(
        'the worker to look for the store',
        async () => lines.some((line) => line.includes('"store is waited for"')) || null,
      );
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

/** A mount point that another process made a store of. */
async function makeStoreThere(): Promise<void> {
  await unmount();
  await createFsStore(folder).check();
}
async function mountInstead(): Promise<void> {
  await rm(folder, { recursive: true });
  await mkdir(folder);
  await mount();
}

describe('a process whose Redis knows of a store', () => {
  const id = async () =>
    JSON.parse(await readFile(`${folder}/umbra-store.json`, 'utf8')).id as string;
  test('starts on no other store: an API', async () => {
    await redis.set('umbra:store', await id());
    await makeStoreThere();
    const api = await startApiHere();
    try {
      const away = await fetch(`${api.url}/readyz`);
      expect(away.status).toBe(503);
      expect(JSON.stringify(await away.json())).toContain("delete the key 'umbra:store'");
      expect((await fetch(`${api.url}/v1/jobs/job_${'a'.repeat(20)}`)).status).toBe(503);
      await mountInstead();
      await until('the API to be ready', async () =>
        (await fetch(`${api.url}/readyz`)).ok ? true : null,
      );
    } finally {
      await api.close();
    }
  });

  test('starts on no other store: a worker, which waits for its own', async () => {
    await redis.set('umbra:store', await id());
    await makeStoreThere();
    const lines: string[] = [];
    const starting = spawnWorker(stage.env, (line) => lines.push(line));
    try {
      await until(
        'the worker to refuse it',
        async () => lines.some((line) => line.includes("delete the key 'umbra:store'")) || null,
      );
      await mountInstead();
    } finally {
      await (await starting).end('SIGKILL');
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
