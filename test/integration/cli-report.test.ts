import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createApiKey } from '@umbra/platform/tenancy/api-keys';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type CliJob, quickSettings as settings, startCliJob, umbra } from '../support/cli-job.js';
import { startFaultyProxy } from '../support/faulty-proxy.js';
import {
  makePhotos,
  startService,
  submitJob,
  type TestService,
  uploadPhotos,
} from '../support/service.js';

// Each runs commands, and each of them is a process.
vi.setConfig({ testTimeout: 180_000 });

const template = fileURLToPath(new URL('../../apps/web/dist/offline.html', import.meta.url));
let started: CliJob;
let service: TestService;
let folder: string;
let job: string;

beforeAll(async () => {
  started = await startCliJob();
  ({ service, folder, job } = started);
});
afterAll(() => started.close());

const run = (args: readonly string[], env?: Record<string, string>) =>
  started.run(['report', ...args], env);
const fileOf = (name: string): string => join(folder, name);

test('a job becomes one file, and says how many of its images are in it', async () => {
  const file = fileOf('all.html');
  const { code, stdout, stderr } = await run([job, '--html', file, '--json']);
  expect(stderr).toContain('3 of 3 images, by -drop, in at most 100 MB');
  expect(code).toBe(0);
  const { size } = await stat(file);
  expect(JSON.parse(stdout)).toEqual({ job, file, images: 3, bytes: size, total: 3 });
});

test('the first images by an order and of those that fit are kept', async () => {
  const file = fileOf('some.html');
  const chosen = ['--sort', 'index', '--where', 'index>=1', '--images', '1', '--json'];
  const { stdout } = await run([job, '--html', file, ...chosen]);
  expect(JSON.parse(stdout)).toMatchObject({ images: 1, total: 2 });
  const text = await readFile(file, 'utf8');
  expect(text).toContain('/images/img_00000001/result.json"');
  expect(text).not.toContain('/images/img_00000000/');
  expect(text).not.toContain('/images/img_00000002/');
});

test('no more images are kept than fit, and a file that takes none is not made', async () => {
  const whole = JSON.parse((await run([job, '--html', fileOf('whole.html'), '--json'])).stdout);
  const megabytes = (bytes: number): string => String(bytes / 1e6);
  const less = ['--max-mb', megabytes(whole.bytes - 1), '--json'];
  const { stdout, stderr, code } = await run([job, '--html', fileOf('less.html'), ...less]);
  const { images, bytes } = JSON.parse(stdout);
  expect([images, code]).toEqual([2, 0]);
  expect(bytes).toBeLessThan(whole.bytes);
  expect(stderr).toContain('Only 2 of them fit into');
  const { size } = await stat(template);
  const none = await run([job, '--html', fileOf('no.html'), '--max-mb', megabytes(size)]);
  expect(none.stderr).toContain('Expected --max-mb to take at least one image');
  expect(none.code).toBe(2);
  expect(await readdir(folder)).not.toContain('no.html');
});

test('a file that is there is left as it is', async () => {
  const file = fileOf('mine.html');
  await writeFile(file, 'mine');
  const { code, stderr } = await run([job, '--html', file]);
  expect(stderr).toContain(`Expected --html to be a new file, got '${file}', which exists`);
  expect(code).toBe(2);
  expect(await readFile(file, 'utf8')).toBe('mine');
});

test.each([
  [['--html', 'a.html', '--no-wait'], 'Expected --html without --no-wait'],
  [['--patches', 'many'], '--patches: Expected a number'],
  [['--group-by', 'size'], '--group-by: Expected one of "label"|"predicted"'],
  [['--others', 'mine'], '--others'],
  [['--fail-if', 'beauty>1'], 'Expected one of the metrics images, accuracy'],
  [['--fail-if', 'drop.change>0'], "Expected --against JOB, since --fail-if 'drop.change>0'"],
  [['--parquet', 'a.csv'], "Expected --parquet FILE.parquet, got 'a.csv'"],
  [['--html', 'report.pdf'], "Expected --html FILE.html, got 'report.pdf'"],
  [['--html', 'a.html', '--images', '0'], 'Expected --images to be an integer from 1 to 10000'],
  [['--html', 'a.html', '--max-mb', 'many'], 'Expected --max-mb to be MB, at most 500'],
  [['--html', 'a.html', '--sort', 'beauty'], 'sort: Expected a field of rows'],
  [['--html', 'a.html', '--where', 'beauty=1'], 'where: Expected a field of rows'],
])('%j is wrong use', async (flags, words) => {
  const { code, stderr } = await run([job, ...flags]);
  expect(stderr).toContain(words);
  expect(code).toBe(2);
});

test('a job that there is not, one that waits, and a service that is away have codes of their own', async () => {
  const html = ['--html', fileOf('none.html')];
  expect((await run(['job_00000000000000000000', ...html])).code).toBe(2);
  // Without a worker it stays as it is.
  const idle = await startService();
  try {
    const own = await uploadPhotos(idle.url, await makePhotos(1));
    const queued = await submitJob(idle.url, { dataset: own, model: 'tiny', settings });
    const waiting = await run([queued, ...html], { UMBRA_API_URL: idle.url });
    expect(waiting.stderr).toContain('Expected a job that has ended, got queued');
    expect(waiting.code).toBe(1);
  } finally {
    await idle.close();
  }
  const away = await run([job, ...html], { UMBRA_API_URL: 'http://127.0.0.1:9' });
  expect(away.code).toBe(3);
  expect(await readdir(folder)).not.toContain('none.html');
});

test('an interruption leaves no file', async () => {
  const place = fileOf('interrupted');
  await mkdir(place);
  const proxy = await startFaultyProxy(service.url);
  try {
    proxy.set('stall', '/photo');
    const html = join(place, 'a.html');
    const flags = ['--html', html, '--api', `http://127.0.0.1:${proxy.port}`];
    const child = spawn(process.execPath, [umbra, 'report', job, ...flags]);
    let said = '';
    child.stderr.on('data', (text: Buffer) => {
      said += text.toString();
    });
    await vi.waitUntil(() => proxy.stalled() > 0, { timeout: 60_000 });
    expect(await readdir(place)).toEqual([expect.stringMatching(/\.part$/)]);
    child.kill('SIGINT');
    const [code] = (await once(child, 'close')) as [number | null];
    expect(said).toContain('Interrupted: nothing was written');
    expect(code).toBe(130);
    expect(await readdir(place)).toEqual([]);
  } finally {
    await proxy.close();
  }
});

test('no key, no address and no path is in the file, nor where a photo was read', async () => {
  const locked = await startService({ UMBRA_AUTH: 'keys', UMBRA_WEBHOOK_ALLOW_PRIVATE: 'true' });
  try {
    await locked.startWorker();
    const { text: key } = await createApiKey(locked.store, { tenant: 'acme', scopes: ['submit'] });
    const headers = { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' };
    const form = new FormData();
    for (const { name, bytes } of await makePhotos(1)) {
      form.append('images', new Blob([new Uint8Array(bytes)]), name);
    }
    const uploaded = await fetch(`${locked.url}/v1/datasets`, {
      ...{ method: 'POST', body: form },
      headers: { Authorization: headers.Authorization },
    });
    const { id } = (await uploaded.json()) as { id: string };
    const webhook = { url: 'http://127.0.0.1:9/told-of-it' };
    const metadata = { ticket: 'noted-aside' };
    const body = JSON.stringify({ dataset: id, model: 'tiny', settings, webhook, metadata });
    const made = await fetch(`${locked.url}/v1/jobs`, { method: 'POST', headers, body });
    const { id: own } = (await made.json()) as { id: string };
    const file = fileOf('secret.html');
    await vi.waitUntil(
      async () => {
        const answer = await fetch(`${locked.url}/v1/jobs/${own}`, { headers });
        return ((await answer.json()) as { state: string }).state === 'completed';
      },
      { timeout: 60_000, interval: 100 },
    );
    const env = { UMBRA_API_URL: locked.url, UMBRA_API_KEY: key };
    expect(await run([own, '--html', file], env)).toMatchObject({ code: 0 });
    const text = await readFile(file, 'utf8');
    const kept = [...text.matchAll(/data-path="([^"]*)"[^>]*>([^<]*)</g)].map(
      ([, path, content = '']) => `${path} ${Buffer.from(content, 'base64').toString('latin1')}`,
    );
    expect(kept.join('\n')).toContain('photo-0.png');
    const { host, port } = new URL(locked.url);
    for (const secret of [
      key,
      host,
      `:${port}`,
      'told-of-it',
      'noted-aside',
      folder,
      locked.folder,
      process.cwd(),
    ]) {
      expect([secret, text.includes(secret)]).toEqual([secret, false]);
      expect([secret, kept.some((one) => one.includes(secret))]).toEqual([secret, false]);
    }
  } finally {
    await locked.close();
  }
});
