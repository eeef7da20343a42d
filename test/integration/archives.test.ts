import { createHash, randomUUID } from 'node:crypto';
import { putJson } from '@umbra/platform/store/json';
import { keys } from '@umbra/platform/store/keys';
import { type JobRecord, storedJob } from '@umbra/shared/contracts/job';
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest';
import { readZip } from '../support/read-zip.js';
import {
  makePhotos,
  startService,
  submitJob,
  type TestService,
  uploadPhotos,
  waitForJob,
} from '../support/service.js';

const sha256Of = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
type Part = { name: string; bytes: number; sha256: string; images: number; path: string };
type Line = { id: string; state: string; files: { path: string; sha256: string }[] };

const endOf = (job: JobRecord) =>
  job.completedAt ?? job.failedAt ?? job.cancelledAt ?? job.expiredAt;

const notEnded = {
  state: 'finalizing',
  ...{ completedAt: null, failedAt: null, cancelledAt: null, expiredAt: null },
} as const;

const s3 = inject('s3');
const stores = [
  ['disk', {}],
  [
    'S3',
    {
      UMBRA_STORE: 's3',
      UMBRA_S3_BUCKET: s3?.bucket ?? '',
      UMBRA_S3_ENDPOINT: s3?.endpoint ?? '',
      UMBRA_S3_REGION: s3?.region ?? '',
      UMBRA_S3_PREFIX: `archives-${randomUUID()}/`,
    },
  ],
] as const;

describe.each(stores.filter(([kind]) => kind === 'disk' || s3 !== null))(
  'archives on %s',
  (kind, env) => {
    let service: TestService;
    let job: string;
    const get = (path: string, init?: RequestInit) => fetch(`${service.url}${path}`, init);
    const bytesOf = async (response: Response) => Buffer.from(await response.arrayBuffer());

    beforeAll(async () => {
      vi.stubEnv('AWS_ACCESS_KEY_ID', s3?.accessKeyId ?? '');
      vi.stubEnv('AWS_SECRET_ACCESS_KEY', s3?.secretAccessKey ?? '');
      service = await startService({ ...env, UMBRA_RESUME_MS: '200' });
      await service.startWorker();
      const dataset = await uploadPhotos(service.url, await makePhotos(3));
      job = await submitJob(service.url, {
        dataset,
        model: 'tiny',
        settings: { patch: 8, stride: 8 },
      });
      await waitForJob(service.url, job);
    });
    afterAll(async () => {
      await service.close();
      vi.unstubAllEnvs();
    });

    /** Have the job end again, otherwise. */
    async function archiveAgain(changes: Partial<JobRecord>, until: JobRecord['state']) {
      const { store } = service;
      const key = keys.job('default', job);
      const record = storedJob.parse(JSON.parse((await store.get(key)).toString()));
      await store.delete(keys.archives('default', job));
      await putJson(store, key, { ...record, ...notEnded, ...changes });
      await store.put(keys.activeJob('default', job), job);
      // Polls share a read for a moment: the end that was before it was changed may still be told.
      const before = endOf(record);
      const isNewEnd = (job: JobRecord) => job.state === until && endOf(job) !== before;
      return waitForJob(service.url, job, isNewEnd);
    }

    test('one zip holds all results, and its digest is reported', async () => {
      const response = await get(`/v1/jobs/${job}/archive`);
      const bytes = await bytesOf(response);
      const { data } = (await (await get(`/v1/jobs/${job}/archives`)).json()) as { data: Part[] };
      const path = `/v1/jobs/${job}/archives/archive.zip`;
      const sha256 = sha256Of(bytes);
      expect(data).toEqual([{ name: 'archive.zip', bytes: bytes.length, sha256, images: 3, path }]);
      const digest = Buffer.from(sha256, 'hex').toString('base64');
      expect(response.headers.get('repr-digest')).toBe(`sha-256=:${digest}:`);
      expect(response.headers.get('etag')).toBe(`"${sha256}"`);
      expect(response.headers.get('content-disposition')).toContain(`${job}.zip`);
      expect((await bytesOf(await get(path))).equals(bytes)).toBe(true);
      expect((await get(`/v1/jobs/${job}/archives/archive-0009.zip`)).status).toBe(404);
      expect((await get(`/v1/jobs/${job}/archives/other.zip`)).status).toBe(404);
      expect((await get(`/v1/jobs/${job}/archive?redirect=maybe`)).status).toBe(400);
    });

    test.runIf(kind === 'S3')('a client may be sent to the store for the bytes', async () => {
      const files = [`archive`, 'archives/archive.zip', 'images/img_00000000/heatmap.png'];
      for (const file of files) {
        const path = `/v1/jobs/${job}/${file}`;
        const sent = await get(`${path}?redirect=true`, { redirect: 'manual' });
        expect([sent.status, sent.headers.get('cache-control')]).toEqual([302, 'no-store']);
        const location = sent.headers.get('location') ?? '';
        expect(location.startsWith(s3?.endpoint ?? '')).toBe(true);
        const [direct, through] = await Promise.all([fetch(location), get(path)]);
        expect(direct.headers.get('content-type')).toBe(through.headers.get('content-type'));
        expect((await bytesOf(direct)).equals(await bytesOf(through))).toBe(true);
      }
      const missing = `/v1/jobs/${job}/images/img_00000009/overlay.png?redirect=true`;
      expect((await get(missing)).status).toBe(404);
    });

    test.runIf(kind === 'disk')('a store that clients cannot reach sends the bytes', async () => {
      const sent = await get(`/v1/jobs/${job}/archive?redirect=true`, { redirect: 'manual' });
      expect(sent.status).toBe(200);
    });

    test('parts are zips of their own, and hold all results together', async () => {
      await archiveAgain({ archivePartBytes: 1 }, 'completed');
      const { data } = (await (await get(`/v1/jobs/${job}/archives`)).json()) as { data: Part[] };
      const names = ['archive-0001.zip', 'archive-0002.zip', 'archive-0003.zip'];
      expect(data.map(({ name }) => name)).toEqual(names);
      const images: string[] = [];
      for (const part of data) {
        const response = await get(part.path);
        const bytes = await bytesOf(response);
        expect([bytes.length, sha256Of(bytes)]).toEqual([part.bytes, part.sha256]);
        const zip = await readZip(bytes);
        const lines = String(zip.get('manifest.jsonl')).trim().split('\n');
        const manifest = lines.map((line) => JSON.parse(line) as Line);
        images.push(...manifest.map(({ id }) => id));
        const sums = String(zip.get('SHA256SUMS'));
        for (const { path, sha256 } of manifest.flatMap(({ files }) => files)) {
          expect(sha256Of(zip.get(path) ?? Buffer.alloc(0))).toBe(sha256);
          expect(sums).toContain(`${sha256}  ${path}\n`);
        }
        const provenance = JSON.parse(String(zip.get('provenance.json')));
        expect(provenance).toMatchObject({ job, archive: part.name, counts: { total: 1 } });
      }
      expect(images).toEqual(['img_00000000', 'img_00000001', 'img_00000002']);
      const whole = await get(`/v1/jobs/${job}/archive`);
      expect(whole.status).toBe(409);
      expect(await whole.json()).toMatchObject({ detail: expect.stringContaining('3 archives') });
      const rest = await get(data[1]?.path ?? '', { headers: { range: 'bytes=10-19' } });
      expect([rest.status, (await bytesOf(rest)).length]).toEqual([206, 10]);
    });

    test.each([
      ['expired', null, 'expiredAt'],
      ['failed', { code: 'unprocessable', message: 'Too many images failed' }, 'failedAt'],
      ['cancelled', null, 'cancelledAt'],
    ] as const)(
      'a job that ends as %s has an archive of its finished images',
      async (state, error, at) => {
        // An image that was never run.
        const image = keys.result('default', job, 'img_00000001', 'result.json');
        const json = await service.store.get(image);
        await service.store.delete(image);
        const requestedAt = new Date().toISOString();
        const ending = { state, requestedAt, error };
        const status = await archiveAgain({ archivePartBytes: null, ending }, state);
        expect(status).toMatchObject({ error, counts: { total: 3, completed: 2, failed: 0 } });
        expect(status[at]).not.toBeNull();
        const zip = await readZip(await bytesOf(await get(`/v1/jobs/${job}/archive`)));
        const lines = String(zip.get('manifest.jsonl')).trim().split('\n');
        const states = lines.map((line) => (JSON.parse(line) as Line).state);
        const left = state === 'expired' ? 'expired' : 'cancelled';
        expect(states).toEqual(['completed', left, 'completed']);
        await service.store.put(image, json);
      },
    );

    test('an interactive job ends without an archive', async () => {
      await archiveAgain({ interactive: true, ending: null }, 'completed');
      expect((await get(`/v1/jobs/${job}/archive`)).status).toBe(409);
    });
  },
);

test('a job that was cancelled before it began has no archive, and says so', async () => {
  const service = await startService();
  try {
    const dataset = await uploadPhotos(service.url, await makePhotos(1));
    const job = await submitJob(service.url, { dataset, model: 'tiny' });
    await fetch(`${service.url}/v1/jobs/${job}/cancel`, { method: 'POST' });
    await service.startWorker();
    const ended = await waitForJob(service.url, job, ({ state }) => state === 'cancelled');
    expect(ended.startedAt).toBeNull();
    for (const path of ['archive', 'archives', 'archives/archive.zip']) {
      const answer = await fetch(`${service.url}/v1/jobs/${job}/${path}`);
      expect(answer.status).toBe(409);
      expect(await answer.json()).toMatchObject({
        code: 'conflict',
        detail: `Job '${job}' never began and has no archive`,
      });
    }
  } finally {
    await service.close();
  }
});
