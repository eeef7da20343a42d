import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startApi } from '@umbra/api';
import { apiConfig } from '@umbra/api/config';
import { writeTinyBundle } from '@umbra/engine/testing';
import { readConfig } from '@umbra/platform/config';
import { createFsStore } from '@umbra/platform/store/fs-store';
import { createApiKey, parseApiKey } from '@umbra/platform/tenancy/api-keys';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startRedis } from '../../scripts/lib/redis.mjs';
import { freePort } from '../../scripts/lib/run.mjs';
import { startServices } from '../../scripts/lib/services.mjs';
import { makePhotos } from '../support/service.js';

const umbra = fileURLToPath(new URL('../../apps/cli/bin/umbra.mjs', import.meta.url));
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'umbra-access-'));
  await writeTinyBundle(join(folder, 'models'));
  const [photo] = await makePhotos(1);
  await writeFile(join(folder, 'photo.png'), photo?.bytes ?? '');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

type Outcome = { code: number; stdout: string; stderr: string };
const run = (args: string[], env: Record<string, string>): Promise<Outcome> =>
  new Promise((resolve) => {
    const options = { env: { ...process.env, ...env } };
    execFile(process.execPath, [umbra, ...args], options, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr });
    });
  });

test("a service takes a client's key, and a session's token, and discloses them nowhere", async () => {
  const services = await startServices({
    dir: join(folder, 'service'),
    workers: 1,
    env: {
      UMBRA_AUTH: 'keys',
      UMBRA_LOG_LEVEL: 'trace',
      UMBRA_MODELS_DIR: join(folder, 'models'),
      UMBRA_STORE_DIR: join(folder, 'store'),
    },
  });
  const said: string[] = [];
  try {
    const store = createFsStore(join(folder, 'store'));
    const key = (await createApiKey(store, { tenant: 'acme', scopes: ['submit'] })).text;
    const { secret = '', prefix = '' } = parseApiKey(key) ?? {};
    const submit = ['submit', join(folder, 'photo.png'), '--model', 'tiny', '--api', services.url];
    const to = (out: string) => ['--out', join(folder, out)];
    const sized = [...submit, '--patch', '16', '--stride', '16', ...to('out')];

    const without = await run(sized, { UMBRA_API_KEY: '' });
    expect(without).toMatchObject({ code: 2, stderr: expect.stringContaining('an API key') });
    const nonsense = await run(sized, { UMBRA_API_KEY: `${key}-and-more` });
    expect(nonsense).toMatchObject({ code: 2, stderr: expect.stringContaining('UMBRA_API_KEY') });
    const wrong = key.replace(prefix, 'aaaaaaaa');
    const unknown = await run(sized, { UMBRA_API_KEY: wrong });
    expect(unknown).toMatchObject({ code: 2, stderr: expect.stringContaining('Unknown API key') });
    await writeFile(join(folder, 'key'), `${key}\n`);
    const done = await run([...sized, '--key-file', join(folder, 'key')], { UMBRA_API_KEY: '' });
    expect(done).toMatchObject({ code: 0 });
    const again = await run([...sized, '--json', ...to('again')], { UMBRA_API_KEY: key });
    expect(again).toMatchObject({ code: 0 });
    const id = JSON.parse(again.stdout).job as string;
    expect(await store.head(`tenants/acme/jobs/${id}/job.json`)).not.toBeNull();

    for (const path of ['/v1/models', `/v1/jobs/${id}`, '/v1/nothing', '/v1/jobs/x']) {
      for (const authorization of [`Bearer ${key}`, `Bearer ${wrong}`, `Basic ${key}`, key]) {
        const response = await fetch(`${services.url}${path}`, { headers: { authorization } });
        said.push(await response.text(), JSON.stringify([...response.headers]));
      }
    }
    const asked = { method: 'POST', headers: { authorization: `Bearer ${key}` } };
    const [cookie = ''] =
      (await fetch(`${services.url}/v1/session`, asked)).headers.get('set-cookie')?.split(';') ??
      [];
    const token = cookie.replace('umbra_session=', '');
    expect(token).toHaveLength(43);
    for (const [method, path] of [
      ['GET', '/v1/session'],
      ['GET', `/v1/jobs/${id}`],
      ['GET', '/v1/nothing'],
      // Refused, since another site may have sent it.
      ['POST', `/v1/jobs/${id}/cancel`],
    ] as const) {
      for (const sent of [cookie, `${cookie}x`]) {
        const response = await fetch(`${services.url}${path}`, {
          method,
          headers: { cookie: sent },
        });
        said.push(await response.text(), JSON.stringify([...response.headers]));
      }
    }
    const outcomes = [without, nonsense, unknown, done, again];
    said.push(...outcomes.flatMap(({ stdout, stderr }) => [stdout, stderr]));
    said.push(services.api.output(), ...services.workers.map((worker) => worker.output()));
    for await (const { key: name } of store.list('')) said.push(name);
    for await (const { key: name } of store.list('api-keys/')) {
      said.push((await store.get(name)).toString());
    }
    expect(services.api.output()).toContain('request refused, bad API key');
    expect(services.api.output()).toContain('request refused, bad session');
    for (const text of said) {
      expect(text).not.toContain(secret);
      expect(text).not.toContain(token);
    }
  } finally {
    await services.stop();
  }
});

test('requests pass while Redis is down, and are counted once it is up', async () => {
  const port = await freePort();
  const env = {
    REDIS_URL: `redis://127.0.0.1:${port}`,
    UMBRA_STORE_DIR: join(folder, 'late'),
    UMBRA_MODELS_DIR: join(folder, 'models'),
    UMBRA_PORT: '0',
    UMBRA_LOG_LEVEL: 'silent',
  };
  // Without Redis nobody knows whether a folder without a store is a volume that is away.
  await createFsStore(env.UMBRA_STORE_DIR).check();
  const api = await startApi(readConfig(apiConfig, env));
  let redis: Awaited<ReturnType<typeof startRedis>> | undefined;
  try {
    const store = createFsStore(env.UMBRA_STORE_DIR);
    const key = (await createApiKey(store, { tenant: 'acme', scopes: ['read'] })).text;
    const ask = () =>
      fetch(`${api.url}/v1/models`, { headers: { authorization: `Bearer ${key}` } });
    const early = await ask();
    expect([early.status, early.headers.get('ratelimit')]).toEqual([200, null]);
    redis = await startRedis({ dir: join(folder, 'redis'), port });
    const deadline = Date.now() + 10_000;
    while ((await ask()).headers.get('ratelimit') === null) {
      expect(Date.now()).toBeLessThan(deadline);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  } finally {
    await api.close();
    await redis?.stop();
  }
});
