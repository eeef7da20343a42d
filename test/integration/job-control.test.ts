import { keys } from '@umbra/platform/store/keys';
import { isFinal, type JobEstimate, type JobStatus } from '@umbra/shared/contracts/job';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { s3Env } from '../support/s3-env.js';
import {
  makePhotos,
  postJob,
  startService,
  submitJob,
  type TestService,
  uploadPhotos,
  waitForJob,
} from '../support/service.js';

let service: TestService;
/** 40 photos; and 6 of which two will be broken. */
let dataset: string;
const images = 40;
const tenant = 'default';

beforeAll(async () => {
  service = await startService({
    UMBRA_WINDOW_IMAGES: '4',
    UMBRA_RESUME_MS: '500',
    ...s3Env(),
  });
  dataset = await uploadPhotos(service.url, await makePhotos(images));
  await service.startWorker();
});
afterAll(async () => {
  await service.close();
  vi.unstubAllEnvs();
});

/** Slow enough to be caught at work: a patch at every pixel. */
const slow = { patch: 8, stride: 1 };
const quick = { patch: 8, stride: 8 };
const work = (settings: object, more: object = {}) => ({
  dataset,
  model: 'tiny',
  settings,
  reuse: false,
  ...more,
});
const post = (path: string) => fetch(`${service.url}${path}`, { method: 'POST' });
const get = async <T>(path: string) => (await (await fetch(`${service.url}${path}`)).json()) as T;
const hasEnded = ({ state }: JobStatus) => isFinal(state);
const isUnderWay = ({ counts }: JobStatus) => counts.completed > 0;

let used = images;

/** A dataset in whose store some photos are not what they were. */
async function breakPhotos(count: number, broken: readonly number[]) {
  // Photos of their own: a worker keeps the last ones that it has decoded.
  const photos = (await makePhotos(used + count)).slice(used);
  used += count;
  const id = await uploadPhotos(service.url, photos);
  const manifest = (await service.store.get(keys.manifest(tenant, id))).toString().trim();
  const digests = manifest
    .split('\n')
    .map((line) => (JSON.parse(line) as { sha256: string }).sha256);
  const put = (index: number, bytes: Buffer) =>
    service.store.put(keys.image(tenant, id, digests[index] ?? ''), bytes);
  for (const index of broken) await put(index, Buffer.from('not the photo'));
  const mend = async () => {
    for (const index of broken) await put(index, photos[index]?.bytes ?? Buffer.alloc(0));
  };
  return { id, mend };
}

describe('pause and resume', () => {
  test('a paused job starts no more images, and continues where it was', async () => {
    const job = await submitJob(service.url, work(slow));
    await waitForJob(service.url, job, isUnderWay);
    const paused = await post(`/v1/jobs/${job}/pause`);
    expect(paused.status).toBe(202);
    expect(await paused.json()).toMatchObject({ state: 'paused' });
    const record = await waitForJob(service.url, job, ({ pausedAt }) => pausedAt !== null);
    // What is in the queue is finished, and no more.
    await waitForJob(
      service.url,
      job,
      ({ counts }) => counts.completed <= record.counts.completed + 4,
    );
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    const held = await get<JobStatus>(`/v1/jobs/${job}`);
    await new Promise((resolve) => setTimeout(resolve, 500));
    const later = await get<JobStatus>(`/v1/jobs/${job}`);
    expect(later).toMatchObject({ state: 'paused', counts: held.counts });
    expect(later.counts.completed).toBeLessThan(images);
    expect((await post(`/v1/jobs/${job}/resume`)).status).toBe(202);
    const ended = await waitForJob(service.url, job, hasEnded);
    expect(ended).toMatchObject({ state: 'completed', pausedAt: null });
    expect(ended.counts).toEqual({ total: images, completed: images, failed: 0 });
    for (const what of ['pause', 'resume', 'cancel']) {
      const late = await post(`/v1/jobs/${job}/${what}`);
      expect(late.status).toBe(409);
    }
  });
});

describe('retry', () => {
  test('runs the images that failed, and leaves the others as they are', async () => {
    const { id, mend } = await breakPhotos(6, [1, 4]);
    const job = await submitJob(service.url, work(quick, { dataset: id }));
    expect(await waitForJob(service.url, job, hasEnded)).toMatchObject({
      state: 'completed',
      counts: { total: 6, completed: 4, failed: 2 },
    });
    const failed = await get<{ data: { id: string }[] }>(`/v1/jobs/${job}/images?state=failed`);
    expect(failed.data.map((one) => one.id)).toEqual(['img_00000001', 'img_00000004']);
    const untouched = keys.result(tenant, job, 'img_00000000', 'result.json');
    const before = await service.store.get(untouched);
    await mend();
    const again = await post(`/v1/jobs/${job}/retry`);
    expect(again.status).toBe(202);
    expect(await again.json()).toMatchObject({ attempt: 2 });
    const ended = await waitForJob(
      service.url,
      job,
      (status) => hasEnded(status) && status.attempt === 2,
    );
    expect(ended).toMatchObject({ state: 'completed', counts: { completed: 6, failed: 0 } });
    expect((await service.store.get(untouched)).equals(before)).toBe(true);
    expect(await (await fetch(`${service.url}/v1/jobs/${job}/errors`)).text()).toBe('');
    const nothing = await post(`/v1/jobs/${job}/retry`);
    expect(nothing.status).toBe(409);
  });

  test('starts a cancelled job again', async () => {
    const job = await submitJob(service.url, work(slow));
    await waitForJob(service.url, job, isUnderWay);
    expect((await post(`/v1/jobs/${job}/retry`)).status).toBe(409);
    await post(`/v1/jobs/${job}/cancel`);
    const cancelled = await waitForJob(service.url, job, hasEnded);
    expect(cancelled.state).toBe('cancelled');
    expect(cancelled.counts.completed).toBeLessThan(images);
    await post(`/v1/jobs/${job}/retry`);
    const ended = await waitForJob(
      service.url,
      job,
      (status) => hasEnded(status) && status.attempt === 2,
    );
    expect(ended).toMatchObject({ state: 'completed', ending: null, cancelledAt: null });
    expect(ended.counts).toEqual({ total: images, completed: images, failed: 0 });
  });
});

describe('early ends', () => {
  test('a job that is not finished in time expires, and keeps its finished images', async () => {
    const job = await submitJob(service.url, work(slow, { expiresAfterSeconds: 3 }));
    await waitForJob(service.url, job, isUnderWay);
    // However fast this machine is, it is not finished in time.
    await post(`/v1/jobs/${job}/pause`);
    const ended = await waitForJob(service.url, job, hasEnded);
    expect(ended).toMatchObject({ state: 'expired', error: null, ending: { state: 'expired' } });
    expect(ended.expiredAt).not.toBeNull();
    expect(ended.counts.completed).toBeLessThan(images);
    expect((await fetch(`${service.url}/v1/jobs/${job}/archive`)).status).toBe(200);
  });

  test('too many failed images end a job, and fewer do not', async () => {
    const { id } = await breakPhotos(10, [0, 1, 2, 3]);
    const strict = work(quick, { dataset: id, errorThreshold: 0.2 });
    const failed = await waitForJob(service.url, await submitJob(service.url, strict), hasEnded);
    expect(failed).toMatchObject({ state: 'failed', error: { code: 'unprocessable' } });
    expect(failed.error?.message).toContain("more than the job's errorThreshold, 0.2");
    const lenient = { ...strict, errorThreshold: 0.4 };
    const completed = await waitForJob(
      service.url,
      await submitJob(service.url, lenient),
      hasEnded,
    );
    expect(completed).toMatchObject({ state: 'completed', counts: { completed: 6, failed: 4 } });
  });

  test('results are deleted after their retention time', async () => {
    const { id } = await breakPhotos(1, []);
    const job = await submitJob(service.url, work(quick, { dataset: id, keepResultsSeconds: 2 }));
    await waitForJob(service.url, job, hasEnded);
    const count = async () => {
      let left = 0;
      for await (const _ of service.store.list(keys.jobFiles(tenant, job))) left += 1;
      return left;
    };
    for (const deadline = Date.now() + 20_000; (await count()) > 0; ) {
      expect(Date.now()).toBeLessThan(deadline);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect((await fetch(`${service.url}/v1/jobs/${job}`)).status).toBe(404);
  });
});

describe('a job request', () => {
  test('as a dry run returns an estimate, and creates no job', async () => {
    const body = JSON.stringify(work(quick, { settings: { patch: 8, stride: 8, edge: 'valid' } }));
    const answer = await fetch(`${service.url}/v1/jobs?dryRun=true`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    });
    expect(answer.status).toBe(200);
    const estimate = (await answer.json()) as JobEstimate;
    expect(estimate).toMatchObject({ images, inferenceThreads: 1 });
    const per = estimate.positionsPerImage ?? 0;
    expect(estimate.positions).toBe(per * images);
    expect(estimate.forwardPasses).toBe((per + 1) * images);
    expect(estimate.seconds).toBeGreaterThan(0);
  });

  test('makes a job that is listed once, on one page', async () => {
    const all = await get<{ data: JobStatus[]; next_cursor: null }>('/v1/jobs?limit=100');
    expect(all.next_cursor).toBeNull();
    const ids: string[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const query: string = cursor === '' ? '' : `&cursor=${cursor}`;
      const page = await get<{ data: JobStatus[]; next_cursor: string | null }>(
        `/v1/jobs?limit=2${query}`,
      );
      ids.push(...page.data.map(({ id }) => id));
      cursor = page.next_cursor;
    }
    expect(ids).toEqual(all.data.map(({ id }) => id));
    expect(new Set(ids).size).toBe(ids.length);
  });

  test('that is small does not wait for a large one, and an urgent one waits for none', async () => {
    const { id } = await breakPhotos(3, []);
    const large = await submitJob(service.url, work(slow));
    await waitForJob(service.url, large, isUnderWay);
    const small = await submitJob(service.url, work(slow, { dataset: id }));
    await waitForJob(service.url, small, hasEnded);
    const meanwhile = await get<JobStatus>(`/v1/jobs/${large}`);
    expect(meanwhile.counts.completed).toBeLessThan(images / 2);
    const patient = await submitJob(service.url, work(slow, { dataset: id, priority: 10 }));
    const urgent = await submitJob(service.url, work(slow, { dataset: id, priority: 90 }));
    await waitForJob(service.url, urgent, hasEnded);
    const overtaken = await get<JobStatus>(`/v1/jobs/${patient}`);
    expect(overtaken.counts).toEqual({ total: 3, completed: 0, failed: 0 });
    await post(`/v1/jobs/${patient}/cancel`);
    await post(`/v1/jobs/${large}/cancel`);
    await waitForJob(service.url, large, hasEnded);
  });

  test.each([
    { errorThreshold: 2 },
    { priority: -1 },
    { expiresAfterSeconds: 0 },
    { metadata: { a: 1 } },
    { webhook: { url: 'ftp://somewhere' } },
    { archivePartBytes: 1 },
  ])('with %j is refused', async (more) => {
    const answer = await postJob(service.url, work(quick, more));
    expect(answer.status).toBe(400);
    expect(((await answer.json()) as { detail: string }).detail).toContain(Object.keys(more)[0]);
  });
});
