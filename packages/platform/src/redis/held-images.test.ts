import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { nameThisProcess, type ProcessName } from '../process-name.js';
import { createHeldImages } from './held-images.js';
import type { ImageAttempt } from './losses.js';

let redis: Redis;
/** This process, on a machine of the test's own. */
let here: ProcessName;
const run: ImageAttempt = {
  jobId: 'job_1',
  attempt: 1,
  item: { id: 'img_00000001', name: 'photo.png', sha256: 'ab12' },
  model: { name: 'tiny', digest: 'cd34' },
};

beforeAll(async () => {
  redis = new Redis(inject('redisUrl'));
  here = { ...(await nameThisProcess()), host: randomBytes(4).toString('hex') };
});
afterAll(() => redis.disconnect());

test('what a process held that is gone is taken once, and nothing of one that runs', async () => {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
  await createHeldImages(redis, here).hold('own', run);
  await createHeldImages(redis, { ...here, pid: child.pid ?? 0 }).hold('lost', run, 'merge');
  await createHeldImages(redis, { ...here, pid: child.pid ?? 0 }).hold('released', run);
  await createHeldImages(redis, { ...here, pid: child.pid ?? 0 }).release('released');
  child.kill('SIGKILL');
  await once(child, 'exit');
  const held = createHeldImages(redis, here);
  const lost = { process: { ...here, pid: child.pid }, run, apart: 'merge' };
  expect(await held.takeLost()).toEqual([lost]);
  expect(await held.takeLost()).toEqual([]);
});

test('another machine takes nothing', async () => {
  await createHeldImages(redis, { ...here, pid: 2 ** 22, start: '1' }).hold('lost', run);
  const there = createHeldImages(redis, { ...here, host: randomBytes(4).toString('hex') });
  expect(await there.takeLost()).toEqual([]);
});
