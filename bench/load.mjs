// Response times of the service while its workers are busy: status requests of many clients at once, while others follow
// the job's events, compared with the same requests while the service is idle. Also the wait of a tenant with few images
// while another tenant has many.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createFsStore } from '@umbra/platform/store/fs-store';
import { putJson } from '@umbra/platform/store/json';
import { keys } from '@umbra/platform/store/keys';
import { createApiKey } from '@umbra/platform/tenancy/api-keys';
import { startServices } from '../scripts/lib/services.mjs';

const model = 'efficientnet-lite0';
/** 16 positions: about a tenth of a second for an image on one thread. */
const settings = { patch: 56, stride: 56, edge: 'valid' };
const pollers = 100;
const followers = 100;
/** The interval of `Retry-After`. */
const pollMs = 1_000;

/**
 * @param {{ root: string, quick: boolean, report: (message: string) => void }} options
 */
export async function benchLoad({ root, quick, report }) {
  const dir = mkdtempSync(join(tmpdir(), 'umbra-bench-'));
  // Pollers and followers of one tenant exceed a tenant's default rate.
  const env = { UMBRA_AUTH: 'keys', UMBRA_REQUESTS_PER_MINUTE: '1000000' };
  const services = await startServices({ dir, workers: 2, env });
  try {
    const photos = join(root, 'samples/photos');
    const many = await openTenant(services.url, dir, 'many');
    const few = await openTenant(services.url, dir, 'few');
    const large = await many.upload(photos, quick ? 1_000 : 10_000);
    const small = await few.upload(photos, 10);
    // The first job loads the model everywhere.
    await few.wait(await few.submit(small));
    const aloneSeconds = await few.time(small);
    const ended = await many.wait(await many.submit(await many.upload(photos, 4)));
    const idle = await measureStatus(many, ended, quick);
    report(`idle: status in ${idle.p50.toFixed(1)} ms, p99 ${idle.p99.toFixed(1)} ms`);
    const job = await many.submit(large);
    await many.until(job, ({ counts }) => counts.completed > 8);
    const besideSeconds = await few.time(small);
    const fairRatio = besideSeconds / (2 * aloneSeconds);
    report(
      `10 images alone ${aloneSeconds.toFixed(2)} s, beside ${quick ? 1_000 : 10_000} images of another ` +
        `tenant ${besideSeconds.toFixed(2)} s: ${fairRatio.toFixed(2)} of the time on half of the workers`,
    );
    const busy = await measureStatus(many, job, quick);
    report(
      `busy: status in ${busy.p50.toFixed(1)} ms, p99 ${busy.p99.toFixed(1)} ms, ` +
        `${(busy.p99 / idle.p99).toFixed(1)} times that of idle`,
    );
    await many.cancel(job);
    return {
      ...{ aloneSeconds, besideSeconds, fairRatio, pollers, followers, idle, busy },
      p99Ratio: busy.p99 / idle.p99,
    };
  } finally {
    await services.stop();
    rmSync(dir, { recursive: true, force: true });
  }
}

/** @typedef {{ id: string, state: string, counts: { completed: number, total: number } }} Status */

/**
 * @param {string} url
 * @param {string} dir
 * @param {string} tenant
 */
export async function openTenant(url, dir, tenant) {
  const store = createFsStore(join(dir, 'store'));
  const { text } = await createApiKey(store, { tenant, name: 'bench', scopes: ['submit'] });
  const headers = { authorization: `Bearer ${text}` };
  /** @param {string} path @param {RequestInit} [init] */
  const request = async (path, init = {}) => {
    const response = await fetch(`${url}${path}`, {
      ...init,
      headers: { ...headers, ...init.headers },
    });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return response;
  };
  /** @param {string} job @returns {Promise<Status>} */
  const status = async (job) =>
    /** @type {Status} */ (await (await request(`/v1/jobs/${job}`)).json());
  /** @param {string} job @param {(status: Status) => boolean} is */
  const until = async (job, is) => {
    for (;;) {
      if (is(await status(job))) return job;
      await sleep(20);
    }
  };
  const wait = (/** @type {string} */ job) => until(job, ({ state }) => state === 'completed');
  /** @param {string} dataset */
  const submit = async (dataset) => {
    const response = await request('/v1/jobs', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ dataset, model, settings, reuse: false }),
    });
    return /** @type {Status} */ (await response.json()).id;
  };
  return {
    ...{ key: text, request, until, wait, submit },
    /** @param {string} dataset */
    async time(dataset) {
      const start = performance.now();
      await wait(await submit(dataset));
      return (performance.now() - start) / 1000;
    },
    cancel: (/** @type {string} */ job) => request(`/v1/jobs/${job}/cancel`, { method: 'POST' }),
    /**
     * Makes a dataset whose manifest repeats the sample photos up to `count` images.
     *
     * @param {string} folder
     * @param {number} count
     */
    async upload(folder, count) {
      const form = new FormData();
      for (const name of readdirSync(folder).filter((one) => one.endsWith('.jpg'))) {
        form.append('images', new Blob([readFileSync(join(folder, name))]), name);
      }
      const made = await request('/v1/datasets', { method: 'POST', body: form });
      const dataset = /** @type {{ id: string, images: number }} */ (await made.json());
      const manifest = keys.manifest(tenant, dataset.id);
      const items = (await store.get(manifest)).toString().trim().split('\n');
      const lines = Array.from({ length: count }, (_, index) => {
        const item = JSON.parse(items[index % items.length] ?? '');
        return JSON.stringify({ ...item, id: `img_${String(index).padStart(8, '0')}` });
      });
      await store.put(manifest, `${lines.join('\n')}\n`);
      const record = JSON.parse((await store.get(keys.dataset(tenant, dataset.id))).toString());
      await putJson(store, keys.dataset(tenant, dataset.id), { ...record, images: count });
      return dataset.id;
    },
  };
}

/**
 * Requests a job's status from many clients at once, while others follow its events.
 *
 * @param {Awaited<ReturnType<typeof openTenant>>} tenant
 * @param {string} job
 * @param {boolean} quick
 */
async function measureStatus(tenant, job, quick) {
  const end = performance.now() + (quick ? 8_000 : 30_000);
  const done = new AbortController();
  /** @type {number[]} */
  const times = [];
  const poll = async (/** @type {number} */ index) => {
    await sleep((index * pollMs) / pollers);
    while (performance.now() < end) {
      const start = performance.now();
      await (await tenant.request(`/v1/jobs/${job}`)).text();
      times.push(performance.now() - start);
      await sleep(pollMs);
    }
  };
  const follow = async () => {
    const response = await tenant.request(`/v1/jobs/${job}/events`, { signal: done.signal });
    for await (const _ of response.body ?? []) if (performance.now() > end) return;
  };
  const following = Array.from({ length: followers }, () => follow().catch(() => undefined));
  await Promise.all(Array.from({ length: pollers }, (_, index) => poll(index)));
  done.abort();
  await Promise.all(following);
  const sorted = times.sort((a, b) => a - b);
  const quantile = (/** @type {number} */ q) => sorted[Math.floor(q * (sorted.length - 1))] ?? 0;
  return { requests: sorted.length, p50: quantile(0.5), p99: quantile(0.99) };
}
