import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type ApiProcess, spawnApi } from '../support/api-process.js';
import { makePhotos, startService, type TestService, waitForJob } from '../support/service.js';

// Each starts processes, and ends some of them.
vi.setConfig({ testTimeout: 180_000 });

const umbra = fileURLToPath(new URL('../../apps/cli/bin/umbra.mjs', import.meta.url));
let service: TestService;
let folder: string;
let photos: string[];

beforeAll(async () => {
  service = await startService();
  folder = await mkdtemp(join(tmpdir(), 'umbra-patience-'));
  photos = [];
  for (const { name, bytes } of await makePhotos(2)) {
    photos.push(join(folder, name));
    await writeFile(join(folder, name), bytes);
  }
});
afterAll(async () => {
  await service.close();
  await rm(folder, { recursive: true, force: true });
});

type Submitting = {
  readonly child: ChildProcess;
  /** What it said on stderr so far. */
  said(): string;
  /** Wait until it has said something. */
  until(words: RegExp): Promise<void>;
  readonly ended: Promise<{ code: number | null; stdout: string }>;
};

function submit(
  api: string,
  name: string,
  files: readonly string[],
  ...more: string[]
): Submitting {
  const out = join(folder, name);
  const grid = ['--model', 'tiny', '--patch', '16', '--stride', '16'];
  const words = ['submit', ...files, '--api', api, ...grid, '--out', out, '--json', ...more];
  const child = spawn(process.execPath, [umbra, ...words]);
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (text: Buffer) => {
    stdout += text.toString();
  });
  child.stderr.on('data', (text: Buffer) => {
    stderr += text.toString();
  });
  return {
    child,
    said: () => stderr,
    async until(words) {
      while (!words.test(stderr)) await once(child.stderr, 'data');
    },
    ended: once(child, 'close').then(([code]) => ({ code: code as number | null, stdout })),
  };
}

const jobOf = (said: string): string => /Job (job_\w+)/.exec(said)?.[1] ?? '';

/** An API of its own, and how to start it again at the same address. */
async function startApi(): Promise<{ api: ApiProcess; again(): Promise<ApiProcess> }> {
  const api = await spawnApi(service.env);
  const { port } = new URL(api.url);
  return { api, again: () => spawnApi({ ...service.env, UMBRA_PORT: port }) };
}

test('a submission outlasts an API that is killed, and says so', async () => {
  const { api, again } = await startApi();
  // No worker runs yet: the job waits.
  const submission = submit(api.url, 'outlasts', photos);
  await submission.until(/Job job_/);
  await api.kill();
  await submission.until(/The service does not answer: trying again/);
  const second = await again();
  const worker = await service.startWorker();
  try {
    const { code, stdout } = await submission.ended;
    expect(submission.said()).toContain('The service answers again');
    expect(code, submission.said()).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ state: 'completed', images: [{}, {}] });
  } finally {
    await worker.close();
    await second.kill();
  }
});

test('a service that stays away is given up, with how to come back', async () => {
  const { api } = await startApi();
  const submission = submit(api.url, 'gives up', photos, '--patience', '1');
  await submission.until(/Job job_/);
  await api.kill();
  const { code } = await submission.ended;
  expect(code).toBe(3);
  expect(submission.said()).toContain('got no answer');
  expect(submission.said()).toContain(`umbra watch ${jobOf(submission.said())}`);
});

test('what was finished of a job that is cancelled elsewhere is fetched', async () => {
  const many: string[] = [];
  for (const { name, bytes } of await makePhotos(40)) {
    many.push(join(folder, `many-${name}`));
    await writeFile(many.at(-1) ?? '', bytes);
  }
  const worker = await service.startWorker();
  try {
    const fine = ['--patch', '2', '--stride', '1', '--strategy', 'dense'];
    const submission = submit(service.url, 'cancelled', many, ...fine);
    await submission.until(/Job job_/);
    const job = jobOf(submission.said());
    await waitForJob(service.url, job, ({ counts }) => counts.completed > 0);
    await fetch(`${service.url}/v1/jobs/${job}/cancel`, { method: 'POST' });
    const { code, stdout } = await submission.ended;
    expect(code, submission.said()).toBe(1);
    const { counts, images, state } = JSON.parse(stdout) as {
      state: string;
      counts: { completed: number };
      images: object[];
    };
    expect(state).toBe('cancelled');
    expect(counts.completed).toBeGreaterThan(0);
    expect(images).toHaveLength(counts.completed);
  } finally {
    await worker.close();
  }
});

test('a job that was cancelled before it began has nothing, and fails', async () => {
  const submission = submit(service.url, 'never begun', photos);
  await submission.until(/Job job_/);
  const job = jobOf(submission.said());
  await fetch(`${service.url}/v1/jobs/${job}/cancel`, { method: 'POST' });
  const worker = await service.startWorker();
  try {
    const { code, stdout } = await submission.ended;
    expect(code, submission.said()).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ job, state: 'cancelled', images: [] });
  } finally {
    await worker.close();
  }
});

test('files that were all refused are in what is printed, and it fails', async () => {
  const text = join(folder, 'notes.png');
  await writeFile(text, 'no photo');
  const child = spawn(process.execPath, [
    ...[umbra, 'submit', text, '--api', service.url, '--model', 'tiny'],
    ...['--out', join(folder, 'refused'), '--json'],
  ]);
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  const [code] = (await once(child, 'close')) as [number];
  expect(code).toBe(1);
  expect(JSON.parse(Buffer.concat(chunks).toString())).toMatchObject({
    job: null,
    images: [],
    refusals: [{ name: 'notes.png' }],
  });
});

test('the events so far are printed, however late the service begins to send them', async () => {
  const job = `job_${'0'.repeat(20)}`;
  const progress = { completed: 1, failed: 0, positions: 16 };
  const late = createServer((request, response) => {
    if (request.url === `/v1/jobs/${job}`) {
      response.end(JSON.stringify({ id: job, state: 'in_progress' }));
      return;
    }
    // Later than `logs` waits for another event.
    setTimeout(() => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(`id: 1-0\nevent: progress\ndata: ${JSON.stringify(progress)}\n\n`);
    }, 2_500);
  }).listen(0, '127.0.0.1');
  await once(late, 'listening');
  const { port } = late.address() as AddressInfo;
  const words = ['logs', job, '--no-follow', '--json', '--api', `http://127.0.0.1:${port}`];
  const child = spawn(process.execPath, [umbra, ...words]);
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  const [code] = (await once(child, 'close')) as [number];
  late.closeAllConnections();
  late.close();
  expect(JSON.parse(Buffer.concat(chunks).toString())).toMatchObject({ id: '1-0', ...progress });
  expect(code).toBe(0);
});
