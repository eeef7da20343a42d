import { createLossLedger } from '@umbra/platform/redis/losses';
import { defaultTenant, keys } from '@umbra/platform/store/keys';
import { readReportRequest } from '@umbra/platform/store/reports';
import type { JobStatus } from '@umbra/shared/contracts/job';
import { type JobReport, type ReportStatus, reportStatus } from '@umbra/shared/contracts/report';
import { type Trial, trial } from '@umbra/shared/contracts/trial';
import { imageIdAt, newJobId } from '@umbra/shared/ids';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sampleReport, storeReport } from '../support/sample-report.js';
import {
  makePhotos,
  startService,
  submitJob,
  type TestService,
  uploadPhotos,
  waitForJob,
} from '../support/service.js';

const settings = { patch: 16, stride: 16 };
let service: TestService;
let dataset: string;
/** Two jobs of one dataset, one of another, and one without a worker for its images. */
let jobs: { plain: string; other: string; elsewhere: string; report: string };
let report: JobReport;

const ask = (method: string, path: string, body?: unknown): Promise<Response> =>
  fetch(`${service.url}/v1/jobs/${path}`, {
    method,
    ...(body !== undefined && {
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    }),
  });
const get = (path: string) => ask('GET', path);

async function askReport(job: string, body?: unknown): Promise<ReportStatus> {
  const response = await ask('POST', `${job}/report`, body);
  const text = await response.text();
  expect(response.status, text).toBe(202);
  expect(response.headers.get('location')).toBe(`/v1/jobs/${job}/report`);
  return reportStatus.parse(JSON.parse(text));
}

const refusalOf = async (response: Response) => [
  response.status,
  ((await response.json()) as { detail: string }).detail,
];

beforeAll(async () => {
  service = await startService();
  const worker = await service.startWorker();
  const photos = await makePhotos(3);
  dataset = await uploadPhotos(service.url, photos);
  const second = await uploadPhotos(service.url, photos.slice(0, 1));
  const run = async (own: string): Promise<string> => {
    const job = await submitJob(service.url, { dataset: own, model: 'tiny', settings });
    await waitForJob(service.url, job);
    return job;
  };
  jobs = {
    ...{ plain: await run(dataset), other: await run(dataset), elsewhere: await run(second) },
    report: await run(dataset),
  };
  await worker.close();
  const job = (await (await get(jobs.report)).json()) as JobStatus;
  report = sampleReport(job);
  await storeReport(service.store, report);
}, 120_000);
afterAll(() => service.close());

describe('a request for a report', () => {
  test('is queued once, and joined by the same and replaced by another', async () => {
    const own = { tenant: defaultTenant, id: jobs.plain };
    expect((await get(`${jobs.plain}/report`)).status).toBe(404);
    const first = await askReport(jobs.plain);
    expect(first).toMatchObject({ job: jobs.plain, state: 'queued', request: { patches: 2_000 } });
    expect(await service.store.head(keys.pendingReport(defaultTenant, jobs.plain))).not.toBeNull();
    expect(await askReport(jobs.plain, { patches: 2_000 })).toEqual(first);
    const status = await get(`${jobs.plain}/report`);
    expect(status.headers.get('retry-after')).toBe('1');
    expect(await status.json()).toEqual(first);
    const second = await askReport(jobs.plain, { patches: 10, others: [jobs.other] });
    expect(second.requestedAt).not.toBe(first.requestedAt);
    expect(await readReportRequest(service.store, own)).toMatchObject({ request: second.request });
    for (const form of ['json', 'parquet', 'html']) {
      const answer = await get(`${jobs.plain}/report.${form}`);
      expect(answer.headers.get('retry-after')).toBe('1');
      expect(await refusalOf(answer)).toEqual([409, `The report of job '${jobs.plain}' is queued`]);
    }
  });

  test('is taken back by deleting the report', async () => {
    await askReport(jobs.other);
    expect((await ask('DELETE', `${jobs.other}/report`)).status).toBe(204);
    expect(await service.store.head(keys.pendingReport(defaultTenant, jobs.other))).toBeNull();
    for (const path of ['report', 'report.json', 'report.parquet', 'report.html']) {
      expect(await refusalOf(await get(`${jobs.other}/${path}`))).toEqual([
        404,
        `Job '${jobs.other}' has no report: POST /v1/jobs/${jobs.other}/report makes one`,
      ]);
    }
    expect((await ask('DELETE', `${jobs.other}/report`)).status).toBe(404);
  });

  test('for other jobs whose maps are not of the same is refused', async () => {
    const { plain, other, elsewhere } = jobs;
    for (const others of [[plain], [other, other]]) {
      expect(await refusalOf(await ask('POST', `${plain}/report`, { others }))).toEqual([
        400,
        `others: Expected jobs other than '${plain}', each once`,
      ]);
    }
    const [status, words] = await refusalOf(
      await ask('POST', `${plain}/report`, { others: [elsewhere] }),
    );
    expect([status, words]).toEqual([400, expect.stringContaining(`got '${elsewhere}' on`)]);
    const unknown = await ask('POST', `${plain}/report`, { others: [newJobId()] });
    expect(unknown.status).toBe(404);
  });

  test('for a job without a finished image, or of what its model has not, is refused', async () => {
    const waiting = await submitJob(service.url, { dataset, model: 'tiny', settings });
    expect(await refusalOf(await ask('POST', `${waiting}/report`))).toEqual([
      409,
      `Job '${waiting}' is queued, and has no finished image`,
    ]);
    expect((await ask('POST', `${newJobId()}/report`)).status).toBe(404);
    expect((await ask('POST', `${jobs.plain}/report`, { patch: 1 })).status).toBe(400);
    const [status, words] = await refusalOf(
      await ask('POST', `${jobs.plain}/report`, { layer: 'nonsense' }),
    );
    expect([status, words]).toEqual([404, expect.stringContaining("Unknown layer 'nonsense'")]);
  });
});

describe('a report', () => {
  test('is served as it was written, whole, in part, and not again to who has it', async () => {
    const answer = await get(`${jobs.report}/report.json`);
    expect(answer.headers.get('content-type')).toContain('application/json');
    const text = await answer.text();
    expect(JSON.parse(text)).toEqual(report);
    const etag = answer.headers.get('etag') ?? '';
    const path = `${service.url}/v1/jobs/${jobs.report}/report.json`;
    const again = await fetch(path, { headers: { 'If-None-Match': etag } });
    expect(again.status).toBe(304);
    const part = await fetch(path, { headers: { Range: 'bytes=2-8', 'If-Range': etag } });
    expect([part.status, await part.text()]).toEqual([206, text.slice(2, 9)]);
    const stale = await fetch(path, { headers: { Range: 'bytes=2-8', 'If-Range': '"old"' } });
    expect([stale.status, await stale.text()]).toEqual([200, text]);
  });

  test('has a table and crops', async () => {
    const table = await get(`${jobs.report}/report.parquet`);
    expect(table.headers.get('content-disposition')).toContain(`${jobs.report}-report.parquet`);
    expect(await table.text()).toBe('PAR1 and so on');
    const crop = await get(`${jobs.report}/report/crops/img_00000000`);
    expect(crop.headers.get('content-type')).toBe('image/webp');
    expect(crop.headers.get('cache-control')).toBe('private, no-cache');
    expect((await crop.arrayBuffer()).byteLength).toBeGreaterThan(0);
    expect(await refusalOf(await get(`${jobs.report}/report/crops/img_00000002`))).toEqual([
      404,
      `The report of job '${jobs.report}' shows no patch of image 'img_00000002'`,
    ]);
  });

  test('is one file that holds all that its page asks for, and is saved, not shown here', async () => {
    const answer = await get(`${jobs.report}/report.html`);
    expect(answer.headers.get('content-type')).toContain('text/html');
    expect(answer.headers.get('content-disposition')).toContain('attachment');
    expect(answer.headers.get('content-security-policy')).toBe('sandbox allow-scripts');
    const text = await answer.text();
    const kept = new Map(
      [...text.matchAll(/data-path="([^"]*)"[^>]*>([^<]*)</g)].map(([, path = '', body = '']) => [
        path,
        Buffer.from(body, 'base64'),
      ]),
    );
    const base = `/v1/jobs/${jobs.report}`;
    expect([...kept.keys()].sort()).toEqual(
      [
        ...[
          '/contents',
          '/licences.md',
          '/report.md',
          base,
          `${base}/report`,
          `${base}/report.json`,
          `${base}/trials`,
        ],
        ...['img_00000000', 'img_00000001'].map((image) => `${base}/report/crops/${image}`),
        `${base}/images/img_00000002/thumbnail.webp`,
      ].sort(),
    );
    expect(JSON.parse(String(kept.get(`${base}/report.json`)))).toEqual(report);
    expect(JSON.parse(String(kept.get('/contents')))).toMatchObject({ job: jobs.report, rows: [] });
    const etag = answer.headers.get('etag') ?? '';
    const again = await fetch(answer.url, { headers: { 'If-None-Match': etag } });
    expect(again.status).toBe(304);
  });

  test('stays readable while it is made anew', async () => {
    const status = await askReport(jobs.report);
    expect(status).toMatchObject({ state: 'queued', writtenAt: report.writtenAt });
    expect(await (await get(`${jobs.report}/report.json`)).json()).toEqual(report);
  });
});

describe('a trial', () => {
  const cluster = { of: { kind: 'cluster', cluster: 0 } };
  const region = { top: 0, left: 0, bottom: 0.5, right: 0.5 };
  const askTrial = async (body: unknown): Promise<Trial> => {
    const response = await ask('POST', `${jobs.report}/trials`, body);
    const text = await response.text();
    expect(response.status, text).toBe(202);
    return trial.parse(JSON.parse(text));
  };
  const list = async () =>
    ((await (await get(`${jobs.report}/trials`)).json()) as { data: Trial[] }).data;

  test('of what the report does not have is refused', async () => {
    const post = (of: unknown, job = jobs.report) => ask('POST', `${job}/trials`, { of });
    expect(await refusalOf(await post({ kind: 'cluster', cluster: 7 }))).toEqual([
      400,
      "of.cluster: Expected one of the report's 1 clusters, got 7",
    ]);
    expect(await refusalOf(await post({ kind: 'region', class: 'cat', region }))).toEqual([
      400,
      "of.class: Expected a class of the report, got 'cat'",
    ]);
    const other = { kind: 'region', class: 'kind "1"', index: 7, region };
    expect(await refusalOf(await post(other))).toEqual([
      400,
      'of.index: Expected the index of a class \'kind "1"\', one of 1, got 7',
    ]);
    const flat = { ...region, bottom: 0 };
    expect((await post({ kind: 'region', class: 'kind "1"', region: flat })).status).toBe(400);
    const large = { ...region, bottom: 0.6, right: 0.6 };
    expect(
      await refusalOf(await post({ kind: 'region', class: 'kind "1"', region: large })),
    ).toEqual([
      400,
      'of.region: Expected room beside the region for another one of its size, with which it is compared',
    ]);
    expect((await post(cluster.of, jobs.elsewhere)).status).toBe(404);
    expect(await list()).toEqual([]);
  });

  test('is stored, listed the newest first, told and cancelled, and only some go on at once', async () => {
    const first = await askTrial(cluster);
    expect(first).toMatchObject({ state: 'queued', class: { index: 1 }, job: jobs.report });
    const named = { of: { kind: 'region', class: 'kind "1"', index: 1, region }, images: 5 };
    const made = [first];
    for (let more = 0; more < 3; more++) made.unshift(await askTrial(named));
    expect(await list()).toEqual(made);
    expect(await (await get(`${jobs.report}/trials/${first.id}`)).json()).toEqual(first);
    expect(await refusalOf(await ask('POST', `${jobs.report}/trials`, cluster))).toEqual([
      429,
      'Expected at most 4 trials of a job at once: wait for one to end, or cancel it',
    ]);
    const cancelled = await ask('DELETE', `${jobs.report}/trials/${first.id}`);
    expect([cancelled.status, await cancelled.json()]).toEqual([202, first]);
    const told = keys.trialCancellation(defaultTenant, jobs.report, first.id);
    expect(await service.store.head(told)).not.toBeNull();
    const unknown = `trial_${'0'.repeat(20)}`;
    expect((await get(`${jobs.report}/trials/${unknown}`)).status).toBe(404);
    expect((await get(`${jobs.plain}/trials/${first.id}`)).status).toBe(404);
  });
});

test('what would run a model that was set aside is refused', async () => {
  const redis = new Redis(service.redis.url);
  const losses = createLossLedger(redis);
  const { model } = (await (await get(jobs.report)).json()) as JobStatus;
  for (const index of [0, 1, 2]) {
    const item = { id: imageIdAt(index), name: 'photo.png', sha256: String(index).repeat(64) };
    await losses.record({ jobId: newJobId(), attempt: 1, item, model }, 'signal SIGSEGV');
  }
  const refusal = [409, expect.stringContaining(`Model '${model.name}' was set aside`)];
  const trials = { of: { kind: 'cluster', cluster: 0 } };
  expect(await refusalOf(await ask('POST', `${jobs.report}/report`))).toEqual(refusal);
  expect(await refusalOf(await ask('POST', `${jobs.report}/trials`, trials))).toEqual(refusal);
  await askReport(jobs.report, { patches: 0, checkedImages: 0 });
  redis.disconnect();
});
