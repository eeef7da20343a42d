import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createLossLedger } from '@umbra/platform/redis/losses';
import { createFsStore } from '@umbra/platform/store/fs-store';
import { defaultTenant, keys } from '@umbra/platform/store/keys';
import { findModel } from '@umbra/platform/store/models';
import type { Finding } from '@umbra/shared/contracts/service-report';
import { serviceReport } from '@umbra/shared/contracts/service-report';
import { imageIdAt, newDatasetId, newJobId } from '@umbra/shared/ids';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makePhotos, startService, type TestService, uploadPhotos } from '../support/service.js';

const umbra = fileURLToPath(new URL('../../apps/cli/bin/umbra.mjs', import.meta.url));
let service: TestService;
let redis: Redis;
let temporary: string;

beforeAll(async () => {
  service = await startService({ UMBRA_ABANDONED_MS: '1000' });
  redis = new Redis(service.redis.url);
  temporary = await mkdtemp(join(tmpdir(), 'umbra-doctor-'));
  // The least of a step: the sweep of a dispatcher would be first.
  await service.startWorker({ UMBRA_STEPS: 'webhook' });
  await redis.config('SET', 'maxmemory-policy', 'noeviction');
});
afterAll(async () => {
  redis?.disconnect();
  await service?.close();
  await rm(temporary, { recursive: true, force: true });
});

type Outcome = { readonly code: number; readonly stdout: string; readonly stderr: string };
const run = (args: readonly string[], more: Record<string, string> = {}): Promise<Outcome> =>
  new Promise((resolve) => {
    const env = { ...process.env, ...service.env, TMPDIR: temporary, ...more };
    execFile(process.execPath, [umbra, ...args], { env }, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr });
    });
  });
async function doctor(more: Record<string, string> = {}) {
  const { code, stdout } = await run(['doctor', '--service', '--url', service.url, '--json'], more);
  const report = serviceReport.parse(JSON.parse(stdout));
  const of = (check: string): Finding | undefined =>
    report.findings.find((one) => one.check === check);
  const problems = report.findings.filter(({ severity }) => severity === 'problem');
  return { code, report, of, problems };
}

describe('umbra doctor --service', () => {
  test('finds no problem in a service that runs, and exits with 0', async () => {
    const { code, report, of, problems } = await doctor();
    expect(problems).toEqual([]);
    expect({ code, ok: report.ok }).toEqual({ code: 0, ok: true });
    for (const check of [
      ...['redis.policy', 'redis.clock'],
      ...['store.marker', 'store.rights', 'store.clock', 'telemetry'],
    ]) {
      expect(of(check)).toMatchObject({ severity: 'ok', meaning: null, action: null });
    }
    expect(of('workers.version')).toMatchObject({ severity: 'ok' });
    expect(of('api.version')).toMatchObject({ severity: 'ok' });
    expect(of('queue.shard')?.found).toBe('0 waiting, 0 active, 0 delayed, 0 failed');
    expect(of('remains')).toMatchObject({ severity: 'ok', found: 'none' });
    // A check leaves nothing of its own.
    for await (const { key } of service.store.list('.health/')) expect(key).toBe('');
  });

  test('says what a policy that evicts means, and exits with 1', async () => {
    await redis.config('SET', 'maxmemory-policy', 'allkeys-lru');
    const { code, of, report } = await doctor();
    await redis.config('SET', 'maxmemory-policy', 'noeviction');
    expect(of('redis.policy')).toMatchObject({
      severity: 'problem',
      found: 'maxmemory-policy is allkeys-lru',
      action: 'Set maxmemory-policy to noeviction',
    });
    expect({ code, ok: report.ok }).toEqual({ code: 1, ok: false });
  });

  test('names a full Redis, an absent one, and an absent API', async () => {
    await redis.config('SET', 'maxmemory', '1500000');
    const full = await doctor();
    await redis.config('SET', 'maxmemory', '0');
    expect(full.of('redis.memory')).toMatchObject({ severity: 'problem' });
    const away = await doctor({ REDIS_URL: 'redis://127.0.0.1:9' });
    expect(away.problems.map(({ check }) => check)).toEqual(['redis']);
    expect(away.of('store.rights')).toMatchObject({ severity: 'ok' });
    const url = 'http://127.0.0.1:9';
    const { code, stdout } = await run(['doctor', '--service', '--url', url]);
    expect(code).toBe(1);
    expect(stdout).toMatch(/^problem {2}api: .+\n {9}This could not be checked\.\n {9}To do: /m);
  });

  test('names images that ended processes, and the model that is set aside for them', async () => {
    // One that another has replaced since.
    const model = { name: 'tiny', digest: 'f'.repeat(64) };
    const losses = createLossLedger(redis);
    const jobId = newJobId();
    for (const index of [0, 1, 2]) {
      const item = { id: imageIdAt(index), name: 'photo.png', sha256: String(index).repeat(64) };
      await losses.record({ jobId, attempt: 1, item, model }, 'signal SIGSEGV');
    }
    const { of, code } = await doctor();
    expect(of('images.lost')).toMatchObject({
      severity: 'warning',
      found: expect.stringMatching(`^3 images .*${imageIdAt(2)} of ${jobId} .sha256 222222222222`),
    });
    expect(of('models.set-aside')).toMatchObject({
      severity: 'problem',
      found: expect.stringMatching(/^'tiny' .*signal SIGSEGV$/),
      action: expect.stringContaining('`umbra models retry tiny`'),
    });
    expect(code).toBe(1);
    const retried = await fetch(`${service.url}/v1/models/tiny/retry`, { method: 'POST' });
    expect(retried.status).toBe(200);
    expect((await doctor()).of('models.set-aside')).toMatchObject({ severity: 'ok' });
  });

  test('names a store that is not the one that Redis knows', async () => {
    const dir = join(temporary, 'another');
    await createFsStore(dir).check();
    const { of, code } = await doctor({ UMBRA_STORE_DIR: dir });
    await rm(dir, { recursive: true });
    expect(of('store.marker')).toMatchObject({
      severity: 'problem',
      found: expect.stringContaining('as Redis knows it'),
      action: expect.stringContaining('DEL umbra:store'),
    });
    expect(of('store.rights')).toBeUndefined();
    expect(code).toBe(1);
  });

  test('names the right that is missing at the store', async () => {
    const dir = join(temporary, 'no-writing');
    await mkdir(dir);
    await copyFile(
      join(service.folder, 'store', 'umbra-store.json'),
      join(dir, 'umbra-store.json'),
    );
    // What is written there first goes through a folder of this name.
    await writeFile(join(dir, '.tmp'), '');
    const { of, code } = await doctor({ UMBRA_STORE_DIR: dir });
    await rm(dir, { recursive: true });
    expect(of('store.marker')).toMatchObject({ severity: 'ok' });
    expect(of('store.rights')).toMatchObject({
      severity: 'problem',
      found: expect.stringMatching(/^cannot write: /),
    });
    expect(code).toBe(1);
  });

  test.each([
    ['an empty folder', {}, 'is empty', 'Mount the volume'],
    ['files of something else', { 'notes.txt': 'x' }, 'holds other files', 'right volume'],
    [
      'a marker of another version',
      { 'umbra-store.json': '{"version":9}' },
      'a version and an id',
      'backup',
    ],
  ] as const)(
    'makes no store of %s where the volume seems away',
    async (_, files, found, action) => {
      const dir = join(temporary, 'mount-point');
      await mkdir(dir);
      for (const [name, text] of Object.entries(files)) await writeFile(join(dir, name), text);
      const { of, code } = await doctor({ UMBRA_STORE_DIR: dir });
      const left = await readdir(dir);
      await rm(dir, { recursive: true });
      expect(of('store.marker')).toMatchObject({
        severity: 'problem',
        found: expect.stringContaining(found),
        action: expect.stringContaining(action),
      });
      expect(of('store.rights')).toBeUndefined();
      expect(left).toEqual(Object.keys(files));
      expect(code).toBe(1);
    },
  );

  test('reads every model, and names a damaged one', async () => {
    const { name, digest } = await findModel(service.store, {
      tenant: defaultTenant,
      name: 'tiny',
    });
    const files: string[] = [];
    for await (const { key } of service.store.list(`models/${name}/${digest}/`)) files.push(key);
    const file = files.find((key) => key.endsWith('.onnx')) ?? '';
    const whole = await service.store.get(file);
    const damaged = Buffer.from(whole);
    damaged.writeUInt8(damaged.readUInt8(99) ^ 1, 99);
    await service.store.put(file, damaged);
    const { of } = await doctor();
    await service.store.put(file, whole);
    expect(of('model.tiny')).toMatchObject({
      severity: 'problem',
      found: expect.stringContaining(file),
    });
  });

  test('names work that a dead process holds, and a marker without a record', async () => {
    await redis.lpush('umbra:archive:active', 'archive-lost');
    await redis.hset('umbra:archive:archive-lost', { name: 'archive', data: '{}', opts: '{}' });
    const marker = keys.activeJob('default', newJobId());
    await service.store.put(marker, '');
    const old = new Date(Date.now() - 600_000);
    await utimes(join(service.folder, 'store', marker), old, old);
    const { of } = await doctor();
    await redis.del('umbra:archive:active', 'umbra:archive:archive-lost');
    await service.store.delete(marker);
    expect(of('jobs.orphaned')).toMatchObject({
      severity: 'warning',
      found: expect.stringContaining('1 have a marker and no record'),
    });
    expect(of('queue.archive')).toMatchObject({
      severity: 'warning',
      found: '0 waiting, 1 active, 0 delayed, 0 failed; 1 active without a lock',
    });
  });

  test('refuses --url without --service', async () => {
    const { code, stderr } = await run(['doctor', '--url', 'http://127.0.0.1:1']);
    expect(code).toBe(2);
    expect(stderr).toContain('Expected --url to go with --service');
  });
});

test('umbra repair deletes what a thorough look finds, and nothing else', async () => {
  const kept = await uploadPhotos(service.url, await makePhotos(2));
  const lost = newDatasetId();
  const orphan = keys.image('default', lost, 'ab'.repeat(32));
  await service.store.put(orphan, 'photo');
  await mkdir(join(temporary, 'umbra-upload-abcDEF'));
  await sleep(1_100);
  const listed = async (): Promise<string[]> => {
    const all: string[] = [];
    for await (const { key } of service.store.list('')) all.push(key);
    return all;
  };
  const before = await listed();
  expect((await doctor()).of('remains')).toMatchObject({ severity: 'warning', found: '1 orphan' });
  const dry = await run(['repair', '--dry-run', '--json']);
  const folder = keys.datasetFiles('default', lost);
  expect(JSON.parse(dry.stdout)).toMatchObject({ kind: 'orphan', name: folder, error: null });
  expect(dry).toMatchObject({ code: 0, stderr: '1 would be deleted\n' });
  expect(await listed()).toEqual(before);
  const repaired = await run(['repair']);
  expect(repaired).toMatchObject({ code: 0, stderr: '1 deleted\n' });
  expect(repaired.stdout).toContain(folder);
  expect(await listed()).toEqual(before.filter((key) => key !== orphan));
  expect((await listed()).some((key) => key.includes(kept))).toBe(true);
  // Whose it was is not known, and it is young.
  expect(await readdir(temporary)).toEqual(['umbra-upload-abcDEF']);
  expect(await run(['repair'])).toMatchObject({ code: 0, stdout: '', stderr: '0 deleted\n' });
});
