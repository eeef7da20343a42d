import { keys } from '@umbra/platform/store/keys';
import { deleteReport, readReportStatus, requestReport } from '@umbra/platform/store/reports';
import type { ObjectStore } from '@umbra/platform/store/store';
import type { JobRecord } from '@umbra/shared/contracts/job';
import { reportRequest } from '@umbra/shared/contracts/report';
import { notFound } from '@umbra/shared/errors';
import { newTrialId } from '@umbra/shared/ids';
import { DelayedError, type Job, type Queue } from 'bullmq';
import { afterAll, beforeAll, beforeEach, expect, inject, test, vi } from 'vitest';
import { segmentImages } from './evidence-segments.js';
import { failUnreported, runReport } from './report.js';
import type { ReportStepServices } from './report-run.js';
import { resumeReports } from './resume-reports.js';
import { ids, images, openResultStage, type ResultStage, tenant } from './testing/result-stage.js';

/** Images with a result: some of the first segment, and all of the second. */
const finished = [...ids(0, 5), ...ids(segmentImages, images)];
/** Neither patches nor checks: no model is loaded. */
const request = reportRequest.parse({ patches: 0, checkedImages: 0 });
let stage: ResultStage;
let job: JobRecord;

beforeAll(async () => {
  stage = await openResultStage(inject('redisUrl'));
});
beforeEach(async () => {
  job = await stage.writeJob();
  await Promise.all(finished.map((image) => stage.putResult(job, image)));
});
afterAll(() => stage?.close());

const reference = () => ({ tenant, id: job.id });
const status = () => readReportStatus(stage.services.store, reference());

function open(changes: Partial<ReportStepServices> = {}): ReportStepServices {
  return {
    ...stage.services,
    config: { UMBRA_PROVIDER: 'cpu' } as ReportStepServices['config'],
    modelCache: {
      describe: async () => stage.model,
    } as unknown as ReportStepServices['modelCache'],
    sources: {} as ReportStepServices['sources'],
    shutdown: new AbortController().signal,
    ...changes,
  };
}

/** A store that does something as it is asked for the result of an image. */
const storeThat = (image: string, act: () => Promise<void>): ObjectStore => {
  const { store } = stage.services;
  return {
    ...store,
    async get(key, ...rest) {
      if (key.endsWith(`${image}/result.json`)) await act();
      return store.get(key, ...rest);
    },
  };
};

/** Run the step once. @returns After how many ms the queue job is to run again; null where it has ended. */
async function run(services = open()): Promise<number | null> {
  let laterMs: number | null = null;
  const queued = {
    ...{ data: { version: 1, tenant, jobId: job.id }, attemptsMade: 0, opts: { attempts: 8 } },
    moveToDelayed: async (atMs: number) => {
      laterMs = atMs - Date.now();
    },
  };
  try {
    await runReport(services, queued as unknown as Job, 'token');
  } catch (error) {
    if (!(error instanceof DelayedError)) throw error;
  }
  return laterMs;
}

const secondSegment = ids(segmentImages, segmentImages + 1)[0] as string;
const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

test('a report that is deleted as it is written ends, and stays away', async () => {
  await requestReport(stage.services.store, reference(), request);
  const store = storeThat(secondSegment, async () => {
    await deleteReport(stage.services.store, reference());
    // Until it is looked whether the report is still wanted.
    await wait(1_500);
  });
  expect(await run(open({ store }))).toBeLessThanOrEqual(0);
  expect(await run()).toBeNull();
  expect(await status()).toBeNull();
  expect(await store.head(keys.report(tenant, job.id))).toBeNull();
  expect(await store.head(keys.pendingReport(tenant, job.id))).toBeNull();
});

test('what a run writes of a report that was just deleted is deleted when it ends', async () => {
  const { store } = stage.services;
  await requestReport(store, reference(), request);
  const late: ObjectStore = {
    ...store,
    async put(key, ...rest) {
      if (key === keys.report(tenant, job.id)) await deleteReport(store, reference());
      return store.put(key, ...rest);
    },
  };
  expect(await run(open({ store: late }))).toBeLessThanOrEqual(0);
  expect(await run()).toBeNull();
  for await (const { key } of store.list(keys.reportFiles(tenant, job.id))) expect(key).toBe('');
  expect(await store.head(keys.pendingReport(tenant, job.id))).toBeNull();
});

test('a newer request ends a run, and the next one is of it', async () => {
  await requestReport(stage.services.store, reference(), request);
  const newer = { ...request, seed: 7 };
  const store = storeThat(secondSegment, async () => {
    await requestReport(stage.services.store, reference(), newer);
    await wait(1_500);
  });
  expect(await run(open({ store }))).toBeLessThanOrEqual(0);
  expect(await status()).toMatchObject({ state: 'queued', request: newer });
  stage.asked.length = 0;
  expect(await run()).toBeNull();
  expect(await status()).toMatchObject({ state: 'completed', request: newer, error: null });
  // The first segment was complete by then.
  expect(stage.asked.slice(0, images - segmentImages)).toEqual(ids(segmentImages, images));
});

test('a process that ends gives the report back, and an outage is no fault of it', async () => {
  await requestReport(stage.services.store, reference(), request);
  const shutdown = new AbortController();
  const ending = storeThat(secondSegment, async () => shutdown.abort());
  expect(await run(open({ store: ending, shutdown: shutdown.signal }))).toBeLessThanOrEqual(0);
  const away = storeThat(secondSegment, async () => {
    throw Object.assign(new Error('away'), { code: 'ECONNREFUSED' });
  });
  await expect(run(open({ store: away }))).rejects.toThrow('away');
  expect(await status()).toMatchObject({ state: 'running', stage: 'evidence', error: null });
  expect(await run()).toBeNull();
  expect(await status()).toMatchObject({ state: 'completed' });
});

test('a report of a job that goes on is written of what has ended, and again with more', async () => {
  const { store, progress } = stage.services;
  const going = { ...job, state: 'in_progress' as const };
  await store.put(keys.job(tenant, job.id), JSON.stringify(going));
  await requestReport(store, reference(), request);
  expect(await run()).toBeGreaterThan(14_000);
  expect(await status()).toMatchObject({ state: 'running', writtenAt: null });
  await progress.finishImage(job.id, 0, 'completed', null);
  expect(await run()).toBeGreaterThan(14_000);
  const first = await status();
  expect(first).toMatchObject({ state: 'running', writtenAt: expect.any(String) });
  // Nothing has ended since.
  await run();
  expect((await status())?.writtenAt).toBe(first?.writtenAt);
  await store.put(keys.job(tenant, job.id), JSON.stringify(job));
  expect(await run()).toBeNull();
  const report = JSON.parse((await store.get(keys.report(tenant, job.id))).toString());
  expect(report).toMatchObject({
    isComplete: true,
    images: { read: finished.length, ended: images },
  });
  await progress.clear(job.id);
});

test('a retry of the job while its report is made brings more to come', async () => {
  const { store: plain } = stage.services;
  await requestReport(plain, reference(), request);
  const again = { ...job, attempt: job.attempt + 1, state: 'in_progress' as const };
  const store = storeThat(secondSegment, () =>
    plain.put(keys.job(tenant, job.id), JSON.stringify(again)),
  );
  expect(await run(open({ store }))).toBeGreaterThan(14_000);
  expect(await status()).toMatchObject({ state: 'running', writtenAt: expect.any(String) });
  const ended = { ...again, state: 'completed' };
  await plain.put(keys.job(tenant, job.id), JSON.stringify(ended));
  expect(await run()).toBeNull();
  expect(await status()).toMatchObject({ state: 'completed' });
});

test('a report of a deleted dataset fails, and says so', async () => {
  const { store } = stage.services;
  await requestReport(store, reference(), request);
  await store.delete(keys.manifest(tenant, job.dataset));
  expect(await run()).toBeNull();
  expect(await status()).toMatchObject({
    state: 'failed',
    error: { code: 'conflict', message: `Dataset '${job.dataset}' was deleted` },
  });
});

test('a report of a deleted model fails, and says so', async () => {
  await requestReport(stage.services.store, reference(), request);
  const describe = async () => {
    throw notFound("No object 'models/tiny'");
  };
  const modelCache = { describe } as unknown as ReportStepServices['modelCache'];
  expect(await run(open({ modelCache }))).toBeNull();
  const message = `Model 'tiny' of job '${job.id}' was deleted`;
  expect(await status()).toMatchObject({ state: 'failed', error: { code: 'conflict', message } });
});

test('a request that comes as none is found is looked at', async () => {
  const { store: plain } = stage.services;
  const store: ObjectStore = {
    ...plain,
    async delete(key) {
      await plain.delete(key);
      if (key === keys.pendingReport(tenant, job.id))
        await requestReport(plain, reference(), request);
    },
  };
  expect(await run(open({ store }))).toBeLessThanOrEqual(0);
  expect(await run()).toBeNull();
  expect(await status()).toMatchObject({ state: 'completed' });
});

test('what has no result has no report, and says so', async () => {
  const empty = await stage.writeJob();
  await requestReport(stage.services.store, { tenant, id: empty.id }, request);
  job = empty;
  expect(await run()).toBeNull();
  expect(await status()).toMatchObject({ state: 'failed', error: { code: 'conflict' } });
});

test('where every result is damaged, the report fails and says so, in one line of the log a segment', async () => {
  const { store } = stage.services;
  for (const image of finished) {
    await store.put(keys.result(tenant, job.id, image, 'scores.npy'), 'no array');
  }
  await requestReport(store, reference(), request);
  const warn = vi.spyOn(stage.services.logger, 'warn');
  expect(await run()).toBeNull();
  const reason = `Nothing is left of the results of job '${job.id}': ${finished.length} results were left out: they cannot be read, or hold scores that are no finite numbers`;
  expect(await status()).toMatchObject({
    state: 'failed',
    error: { code: 'conflict', message: reason },
  });
  const told = warn.mock.calls.filter((call: readonly unknown[]) => call[1] === 'results not read');
  warn.mockRestore();
  const [first, second] = [ids(0, 1)[0], secondSegment];
  expect(told.map(([fields]) => fields)).toEqual([
    { jobId: job.id, start: 0, count: 5, image: first, reason: expect.stringContaining('NumPy') },
    expect.objectContaining({ start: segmentImages, count: 3, image: second }),
  ]);
});

test('a report that its workers do not survive fails', async () => {
  await requestReport(stage.services.store, reference(), request);
  const queued = {
    data: { version: 1, tenant, jobId: job.id },
    deferredFailure: 'job stalled more than allowable limit',
  };
  await failUnreported(stage.services, queued as unknown as Job);
  expect(await status()).toMatchObject({ state: 'failed', error: { code: 'internal' } });
});

test('a TensorFlow.js model waits for a worker that runs it', async () => {
  await requestReport(stage.services.store, reference(), request);
  const bundle = { ...stage.model.bundle, format: 'tfjs-layers' as const };
  const modelCache = { describe: async () => ({ ...stage.model, bundle }) };
  const config = { UMBRA_PROVIDER: 'cuda' } as ReportStepServices['config'];
  const services = open({
    config,
    modelCache: modelCache as unknown as ReportStepServices['modelCache'],
  });
  expect(await run(services)).toBeGreaterThan(4_000);
  expect((await status())?.stage).toContain('TensorFlow.js');
});

test('what Redis lost is queued again by its marker', async () => {
  const { store } = stage.services;
  await requestReport(store, reference(), request);
  const trial = newTrialId();
  await store.put(keys.pendingTrial(tenant, job.id, trial), '');
  const added: unknown[] = [];
  const queue = { add: async (_: string, data: unknown) => added.push(data) } as unknown as Queue;
  await resumeReports({ store, reportQueue: queue, trialQueue: queue });
  const payload = { version: 1, tenant, jobId: job.id };
  expect(added).toContainEqual(payload);
  expect(added).toContainEqual({ ...payload, trial });
});
