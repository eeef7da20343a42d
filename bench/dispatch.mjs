// Throughput of the queue without inference: a real API, Redis, store and dispatcher, a manifest of a million images,
// and a worker with a stub instead of the engine (see stub-worker.mjs).
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { outageJobOptions } from '@umbra/platform/queues/enqueue';
import { redisPrefix } from '@umbra/platform/queues/names';
import { FlowProducer, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { startProcess, waitUntilReady } from '../scripts/lib/server.mjs';
import { startServices } from '../scripts/lib/services.mjs';
import { residentBytes } from './memory.mjs';

const inferenceThreads = 64;
const mebibyte = 1024 * 1024;

/**
 * @param {{ root: string, quick: boolean, report: (message: string) => void }} options
 */
export async function benchDispatch({ root, quick, report }) {
  const dir = mkdtempSync(join(tmpdir(), 'umbra-bench-'));
  const images = 1_000_000;
  const stretchMs = quick ? 10_000 : 60_000;
  const services = await startServices({
    dir,
    workers: 1,
    env: { UMBRA_STEPS: 'dispatch,ingest' },
  });
  const stub = startProcess(
    process.execPath,
    [fileURLToPath(new URL('stub-worker.mjs', import.meta.url))],
    { env: { REDIS_URL: services.redisUrl, STUB_INFERENCE_THREADS: String(inferenceThreads) } },
  );
  const redis = new Redis(services.redisUrl);
  try {
    await waitUntilReady(
      stub,
      'the stub',
      async () => stub.output().includes('stub ready'),
      30_000,
    );
    const bareBullmqMs = await timeBareFlows(services.redisUrl, quick ? 5_000 : 20_000);
    report(`bare BullMQ: ${bareBullmqMs.toFixed(3)} ms a flow of one parent and one child`);
    const idleBytes = await redisBytes(redis);
    const sentAt = performance.now();
    const dataset = await sendManifest(services.url, join(root, 'samples/photos'), images);
    const sendSeconds = (performance.now() - sentAt) / 1000;
    report(`sending a manifest of ${images} images: ${sendSeconds.toFixed(1)} s`);
    const submitSeconds = await submit(services.url, dataset);
    report(`submitting a job on it: ${submitSeconds.toFixed(3)} s`);
    const validatingAt = performance.now();
    while ((await readState(services.url, dataset)) === 'validating') await sleep(100);
    const ingestSeconds = (performance.now() - validatingAt) / 1000;
    report(`reading the manifest: ${ingestSeconds.toFixed(1)} s`);
    const job = submitted.id;
    const pids = { api: services.api.pid ?? 0, dispatcher: services.workers[0]?.pid ?? 0 };
    const watched = await watch({ redis, job, idleBytes, stretchMs, pids, url: services.url });
    const { dispatchPerSecond, redisBytes: peakBytes } = watched;
    report(
      `${dispatchPerSecond.toFixed(0)} images a second, ${(1000 / dispatchPerSecond).toFixed(3)} ms each; ` +
        `Redis ${(peakBytes / mebibyte).toFixed(1)} MiB above idle, ` +
        `API ${(watched.apiBytes / mebibyte).toFixed(0)} MiB, dispatcher ${(watched.dispatcherBytes / mebibyte).toFixed(0)} MiB`,
    );
    return {
      images,
      sendSeconds,
      submitSeconds,
      ingestSeconds,
      ...watched,
      // One shard an image here, so both rates are equal.
      shardsPerSecond: dispatchPerSecond,
      shardOverheadMs: 1000 / dispatchPerSecond,
      bareBullmqMs,
    };
  } finally {
    redis.disconnect();
    await stub.stop();
    await services.stop();
    rmSync(dir, { recursive: true, force: true });
  }
}

const submitted = { id: '' };

/**
 * @param {string} url
 * @param {string} dataset
 */
async function submit(url, dataset) {
  const start = performance.now();
  const response = await request(`${url}/v1/jobs`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ dataset, model: 'efficientnet-lite0' }),
  });
  submitted.id = /** @type {{ id: string }} */ (await response.json()).id;
  return (performance.now() - start) / 1000;
}

/**
 * @param {string} url
 * @param {string} dataset
 */
async function readState(url, dataset) {
  const response = await request(`${url}/v1/datasets/${dataset}`);
  return /** @type {{ state: string }} */ (await response.json()).state;
}

/**
 * Measures a stretch of the run, beginning with its first finished image.
 *
 * @param {{ redis: Redis, job: string, idleBytes: number, stretchMs: number,
 *   pids: { api: number, dispatcher: number }, url: string }} given
 */
async function watch({ redis, job, idleBytes, stretchMs, pids, url }) {
  const read = async () => {
    const response = await fetch(`${url}/v1/jobs/${job}`);
    const { counts } = /** @type {{ counts: { completed: number } }} */ (await response.json());
    return { at: performance.now(), completed: counts.completed };
  };
  let first = await read();
  while (first.completed === 0) {
    await sleep(50);
    first = await read();
  }
  const peak = { redisBytes: 0, apiBytes: 0, dispatcherBytes: 0 };
  let last = first;
  while (last.at - first.at < stretchMs) {
    await sleep(250);
    last = await read();
    peak.redisBytes = Math.max(peak.redisBytes, (await redisBytes(redis)) - idleBytes);
    peak.apiBytes = Math.max(peak.apiBytes, residentBytes(pids.api));
    peak.dispatcherBytes = Math.max(peak.dispatcherBytes, residentBytes(pids.dispatcher));
  }
  const seconds = (last.at - first.at) / 1000;
  return { dispatchPerSecond: (last.completed - first.completed) / seconds, ...peak };
}

/** @param {Redis} redis */
async function redisBytes(redis) {
  return Number(/used_memory:(\d+)/.exec(await redis.info('memory'))?.[1] ?? 0);
}

/**
 * Measures the same flows without Umbra: added fifty at a time, run by workers that do nothing.
 *
 * @param {string} redisUrl
 * @param {number} count
 */
async function timeBareFlows(redisUrl, count) {
  const connection = new Redis(redisUrl, { maxRetriesPerRequest: null });
  const shared = { connection, prefix: `${redisPrefix}-bare` };
  const flows = new FlowProducer(shared);
  let done = 0;
  const children = new Worker('child', async () => null, {
    ...shared,
    concurrency: inferenceThreads,
  });
  const parents = new Worker('parent', async () => null, {
    ...shared,
    concurrency: inferenceThreads,
  });
  parents.on('completed', () => {
    done += 1;
  });
  const start = performance.now();
  for (let at = 0; at < count; at += 50) {
    // The same number in the queue as with the dispatcher.
    while (at - done > 512) await sleep(1);
    await flows.addBulk(
      Array.from({ length: 50 }, (_, index) => ({
        name: 'parent',
        queueName: 'parent',
        opts: { ...outageJobOptions, jobId: `parent-${at + index}` },
        children: [
          {
            name: 'child',
            queueName: 'child',
            opts: { ...outageJobOptions, jobId: `child-${at + index}` },
          },
        ],
      })),
    );
  }
  while (done < count) await sleep(1);
  const milliseconds = (performance.now() - start) / count;
  await Promise.all([children.close(), parents.close(), flows.close()]);
  connection.disconnect();
  return milliseconds;
}

/**
 * Makes a dataset whose manifest repeats the sample photos.
 *
 * @param {string} url
 * @param {string} photos
 * @param {number} images
 */
async function sendManifest(url, photos, images) {
  const json = { 'content-type': 'application/json' };
  const made = await request(`${url}/v1/datasets`, { method: 'POST', headers: json, body: '{}' });
  const { id } = /** @type {{ id: string }} */ (await made.json());
  const form = new FormData();
  const digests = readdirSync(photos)
    .filter((name) => name.endsWith('.jpg'))
    .map((name) => {
      const bytes = readFileSync(join(photos, name));
      form.append('images', new Blob([bytes]), name);
      return createHash('sha256').update(bytes).digest('hex');
    });
  await request(`${url}/v1/datasets/${id}/images`, { method: 'POST', body: form });
  function* lines() {
    let piece = '';
    for (let index = 0; index < images; index++) {
      const sha256 = digests[index % digests.length];
      piece += `${JSON.stringify({ name: `images/${index}.jpg`, sha256 })}\n`;
      if (piece.length < 65_536) continue;
      yield piece;
      piece = '';
    }
    yield piece;
  }
  const body = Readable.toWeb(Readable.from(lines()));
  const headers = { 'content-type': 'application/jsonl' };
  const manifest = /** @type {any} */ ({ method: 'POST', headers, body, duplex: 'half' });
  await request(`${url}/v1/datasets/${id}/images`, manifest);
  await request(`${url}/v1/datasets/${id}/close`, { method: 'POST' });
  return id;
}

/**
 * @param {string} url
 * @param {RequestInit} [init]
 */
async function request(url, init) {
  const response = await fetch(url, init);
  if (!response.ok) throw new Error(`${url}: ${response.status} ${await response.text()}`);
  return response;
}
