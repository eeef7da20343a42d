// Large transfers: the upload of a zip of two gigabytes, and the download of an archive of ten thousand images,
// interrupted and resumed; with the memory of the API and of the worker that writes the archive.
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  createReadStream,
  createWriteStream,
  mkdtempSync,
  openAsBlob,
  rmSync,
  statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createUmbraClient } from '@umbra/client';
import { createFsStore } from '@umbra/platform/store/fs-store';
import { putJson } from '@umbra/platform/store/json';
import { keys } from '@umbra/platform/store/keys';
import { imageIdAt } from '@umbra/shared/ids';
import { ZipArchive } from 'archiver';
import sharp from 'sharp';
import { run } from '../scripts/lib/run.mjs';
import { startServices } from '../scripts/lib/services.mjs';
import { watchMemory } from './memory.mjs';

const mebibyte = 1024 * 1024;
/** @typedef {import('@umbra/client').UmbraClient} UmbraClient */

/**
 * @param {{ quick: boolean, report: (message: string) => void }} options
 */
export async function benchTransfer({ quick, report }) {
  const dir = mkdtempSync(join(tmpdir(), 'umbra-bench-'));
  const services = await startServices({ dir, workers: 1, env: { UMBRA_AUTH: 'none' } });
  const pids = { api: services.api.pid ?? 0, worker: services.workers[0]?.pid ?? 0 };
  const client = createUmbraClient({ baseUrl: services.url });
  try {
    const zip = join(dir, 'images.zip');
    await writeZip(zip, (quick ? 200 : 2040) * mebibyte);
    const uploading = watchMemory(pids);
    const uploadedAt = performance.now();
    const made = await client.request('/v1/datasets', {
      method: 'POST',
      headers: { 'content-type': 'application/zip' },
      body: await openAsBlob(zip),
    });
    const dataset = /** @type {{ images: number }} */ (await made.json());
    const upload = {
      zipBytes: statSync(zip).size,
      images: dataset.images,
      seconds: (performance.now() - uploadedAt) / 1000,
      apiBytes: uploading.stop().api,
    };
    rmSync(zip);
    report(
      `a zip of ${(upload.zipBytes / mebibyte).toFixed(0)} MiB, ${upload.images} images: ` +
        `${upload.seconds.toFixed(1)} s, API ${(upload.apiBytes / mebibyte).toFixed(0)} MiB`,
    );
    const archive = await benchArchive(client, dir, pids, quick ? 1_000 : 10_000);
    report(
      `an archive of ${archive.images} images, ${(archive.bytes / mebibyte).toFixed(0)} MiB: written in ` +
        `${archive.writeSeconds.toFixed(1)} s (worker ${(archive.workerBytes / mebibyte).toFixed(0)} MiB), sent in ` +
        `${archive.sendSeconds.toFixed(1)} s with a break (API ${(archive.apiBytes / mebibyte).toFixed(0)} MiB); ` +
        'unzip -t and all checksums hold',
    );
    return { upload, archive };
  } finally {
    await services.stop();
    rmSync(dir, { recursive: true, force: true });
  }
}

/**
 * Writes a zip of distinct images of about a megabyte: the same noise, with different bytes after its end.
 *
 * @param {string} path
 * @param {number} bytes
 */
async function writeZip(path, bytes) {
  const side = 590;
  const pixels = randomBytes(side * side * 3);
  const raw = { width: side, height: side, channels: /** @type {const} */ (3) };
  const image = await sharp(pixels, { raw }).png().toBuffer();
  const zip = new ZipArchive({ store: true });
  const written = pipeline(zip, createWriteStream(path));
  for (let index = 0; (index + 1) * (image.length + 200) < bytes; index++) {
    const content = Buffer.concat([image, randomBytes(16)]);
    await new Promise((resolve) => {
      zip.once('entry', resolve);
      zip.append(content, { name: `folder/${index}.png` });
    });
  }
  await zip.finalize();
  await written;
}

/**
 * Measures the archive of a job whose images are copies of one computed image.
 *
 * @param {UmbraClient} client
 * @param {string} dir
 * @param {{ api: number, worker: number }} pids
 * @param {number} images
 */
async function benchArchive(client, dir, pids, images) {
  const store = createFsStore(join(dir, 'store'));
  const job = await runOne(client);
  await multiply(store, job, images);
  const writing = watchMemory(pids);
  const writtenAt = performance.now();
  await store.put(keys.activeJob('default', job.id), '');
  // The dispatcher finds the marker, as after a loss of Redis.
  const ended = await client.waitForJob(job.id, { pollMs: 100 });
  if (ended.counts.completed !== images) throw new Error(JSON.stringify(ended.counts));
  const writeSeconds = (performance.now() - writtenAt) / 1000;
  const workerBytes = writing.stop().worker;
  const path = join(dir, 'archive.zip');
  const sending = watchMemory(pids);
  const sentAt = performance.now();
  const from = `/v1/jobs/${job.id}/archive`;
  const bytes = await downloadInTwo(client, from, path);
  const sendSeconds = (performance.now() - sentAt) / 1000;
  const apiBytes = sending.stop().api;
  await run('unzip', ['-tq', path], { quiet: true });
  const folder = join(dir, 'unpacked');
  await run('unzip', ['-q', path, '-d', folder], { quiet: true });
  await run('sha256sum', ['--check', '--quiet', 'SHA256SUMS'], { cwd: folder, quiet: true });
  return { images, bytes, writeSeconds, workerBytes, sendSeconds, apiBytes };
}

/** @param {UmbraClient} client */
async function runOne(client) {
  const form = new FormData();
  const noise = { width: 300, height: 300, channels: /** @type {const} */ (3) };
  const image = await sharp(randomBytes(270_000), { raw: noise }).jpeg().toBuffer();
  form.append('images', new Blob([new Uint8Array(image)]), 'image.jpg');
  const made = await client.request('/v1/datasets', { method: 'POST', body: form });
  const { id } = /** @type {{ id: string }} */ (await made.json());
  const asked = await client.request('/v1/jobs', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      dataset: id,
      model: 'efficientnet-lite0',
      settings: { patch: 56, stride: 56 },
    }),
  });
  const job = /** @type {{ id: string }} */ (await asked.json());
  return client.waitForJob(job.id, { pollMs: 100 });
}

/**
 * @param {import('@umbra/platform/store/store').ObjectStore} store
 * @param {import('@umbra/client').Job} job
 * @param {number} images
 */
async function multiply(store, job, images) {
  const tenant = 'default';
  const manifest = keys.manifest(tenant, job.dataset);
  const item = JSON.parse((await store.get(manifest)).toString());
  const files = [];
  for await (const { key } of store.list(`${keys.results(tenant, job.id)}${imageIdAt(0)}/`)) {
    files.push({ name: key.slice(key.lastIndexOf('/') + 1), bytes: await store.get(key) });
  }
  const lines = [];
  for (let index = 0; index < images; index++) {
    lines.push(`${JSON.stringify({ ...item, id: imageIdAt(index), name: `${index}.jpg` })}\n`);
    if (index === 0) continue;
    for (const { name, bytes } of files) {
      await store.put(`${keys.results(tenant, job.id)}${imageIdAt(index)}/${name}`, bytes);
    }
  }
  await store.put(manifest, lines.join(''));
  const record = JSON.parse((await store.get(keys.job(tenant, job.id))).toString());
  const counts = { total: images, completed: 0, failed: 0 };
  const finalizing = { state: 'finalizing', completedAt: null, counts, attempt: 2 };
  await putJson(store, keys.job(tenant, job.id), { ...record, ...finalizing });
}

/**
 * @param {UmbraClient} client
 * @param {string} from
 * @param {string} path
 */
async function downloadInTwo(client, from, path) {
  const first = await client.request(from);
  const etag = first.headers.get('etag') ?? '';
  const total = Number(first.headers.get('content-length'));
  const digest = /sha-256=:([^:]+):/.exec(first.headers.get('repr-digest') ?? '')?.[1];
  const file = createWriteStream(path);
  let bytes = 0;
  for await (const chunk of first.body ?? []) {
    file.write(chunk);
    bytes += chunk.length;
    // Interrupted in the middle.
    if (bytes > total / 2) break;
  }
  const headers = { Range: `bytes=${bytes}-`, 'If-Range': etag };
  const second = await client.request(from, { headers });
  if (second.status !== 206) throw new Error(`Expected the rest, got ${second.status}`);
  for await (const chunk of second.body ?? []) {
    if (!file.write(chunk)) await once(file, 'drain');
  }
  file.end();
  await once(file, 'finish');
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  const found = hash.digest('base64');
  if (found !== digest) throw new Error(`Expected sha256 ${digest}, got ${found}`);
  return statSync(path).size;
}
