import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { readVerifiedBundle } from '@umbra/engine';
import { writeTinyBundle } from '@umbra/engine/testing';
import { enqueueReport, enqueueTrial } from '@umbra/platform/queues/enqueue';
import { queueNames, queueOptions } from '@umbra/platform/queues/names';
import { deleteJob } from '@umbra/platform/store/job-records';
import { getJson, putJson } from '@umbra/platform/store/json';
import { defaultTenant, keys } from '@umbra/platform/store/keys';
import { publishModel } from '@umbra/platform/store/models';
import {
  cancelTrial,
  putNewTrial,
  readReportStatus,
  readTrial,
  requestReport,
} from '@umbra/platform/store/reports';
import { type JobRecord, newJobDefaults } from '@umbra/shared/contracts/job';
import {
  type JobReport,
  jobReport,
  type ReportStatus,
  reportRequest,
} from '@umbra/shared/contracts/report';
import { type Trial, type TrialRequest, trialRequest } from '@umbra/shared/contracts/trial';
import { imageIdAt, imageIndexOf, newJobId, newTrialId } from '@umbra/shared/ids';
import { type RunningWorker, startWorker } from '@umbra/worker';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cornerNetwork } from '../support/corner-network.js';
import { type Stage, setStage, until, untilFinal, writeJob } from '../support/job-fixture.js';

const tenant = defaultTenant;
const side = 64;
const marked = 12;
const plain = 12;

let stage: Stage;
let redis: Redis;
let worker: RunningWorker;
let reportQueue: Queue;
let trialQueue: Queue;
let job: JobRecord;

/** Noise of dark colours; with a mark, its first corner is white. */
async function photo(seed: number, hasMark: boolean): Promise<Buffer> {
  const pixels = Buffer.alloc(side * side * 3);
  for (const index of pixels.keys()) {
    const [y, x] = [Math.floor(index / 3 / side), Math.floor(index / 3) % side];
    const noise = (index * 31 + seed * 97 + Math.floor(index / 7)) % 100;
    pixels[index] = hasMark && y < 16 && x < 16 ? 255 : noise;
  }
  return sharp(pixels, { raw: { width: side, height: side, channels: 3 } })
    .png()
    .toBuffer();
}

beforeAll(async () => {
  stage = await setStage();
  redis = new Redis(stage.redisUrl, { maxRetriesPerRequest: null });
  reportQueue = new Queue(queueNames.report, { connection: redis, ...queueOptions });
  trialQueue = new Queue(queueNames.trial, { connection: redis, ...queueOptions });
  const folder = stage.env.UMBRA_CACHE_DIR as string;
  const bundle = await writeTinyBundle(folder, {
    ...{ name: 'corner', size: side, onnx: cornerNetwork(16), labels: ['marked', 'plain'] },
  });
  const model = await publishModel(stage.store, bundle, await readVerifiedBundle(bundle));
  worker = await startWorker(stage.config());
  const photos = await Promise.all(
    Array.from({ length: marked + plain }, (_, index) => photo(index, index < marked)),
  );
  const written = await writeJob(stage, {
    ...{ images: photos.length, photos: new Map(photos.entries()), model },
    extent: { height: side, width: side },
    labels: photos.map((_, index) => (index < marked ? 'marked' : 'plain')),
    settings: { patch: 16, stride: 16 },
  });
  job = await untilFinal(stage, written.job.id);
});
afterAll(async () => {
  await worker?.close();
  await Promise.all([reportQueue?.close(), trialQueue?.close()]);
  redis?.disconnect();
  await stage?.close();
});

const reference = () => ({ tenant, id: job.id });

async function untilReported(of: JobRecord, state: ReportStatus['state']): Promise<ReportStatus> {
  return until(`report of ${of.id}`, async () => {
    const status = await readReportStatus(stage.store, { tenant, id: of.id });
    return status?.state === state ? status : null;
  });
}

const store = () => stage.store;
const readReport = (): Promise<JobReport> =>
  getJson(stage.store, keys.report(tenant, job.id), jobReport);

/** Write a job as the service does. @returns Its id. */
async function copyJob({
  dataset,
  model,
  fill,
}: Pick<JobRecord, 'dataset' | 'model'> & Pick<JobRecord['settings'], 'fill'>): Promise<string> {
  const id = newJobId();
  const copy: JobRecord = {
    ...newJobDefaults,
    ...{ id, dataset, model, settings: { ...job.settings, fill } },
    ...{ positionsPerImage: 16, counts: { total: marked + plain, completed: 0, failed: 0 } },
    createdAt: new Date().toISOString(),
  };
  await putJson(store(), keys.job(tenant, id), copy);
  await store().put(keys.activeJob(tenant, id), '');
  return id;
}

/** Run a trial to its end. */
async function run(
  request: TrialRequest,
  { shouldCancel = false, createdAt = new Date().toISOString() } = {},
): Promise<Trial> {
  const id = newTrialId();
  const trial: Trial = {
    ...{ version: 1, id, job: job.id, model: job.model, request, state: 'queued' },
    ...{ createdAt, startedAt: null, endedAt: null },
    ...{ progress: { done: 0, total: 0 }, class: null, result: null, error: null },
  };
  await putNewTrial(stage.store, tenant, trial);
  if (shouldCancel) await cancelTrial(stage.store, reference(), id);
  await enqueueTrial(trialQueue, reference(), id);
  return until('the trial to end', async () => {
    const found = await readTrial(stage.store, reference(), id);
    return found?.endedAt == null ? null : found;
  });
}

const isMarked = ({ id }: { readonly id: string }) => imageIndexOf(id) < marked;
const keysUnder = async (prefix: string) => {
  const found: string[] = [];
  for await (const { key } of stage.store.list(prefix)) found.push(key);
  return found;
};

/** Markers are deleted after the end is told. */
const untilGone = (prefix: string) =>
  until(`${prefix} to be empty`, async () =>
    (await keysUnder(prefix)).length === 0 ? true : null,
  );

test('a report says what the maps of a job say', async () => {
  await requestReport(stage.store, reference(), reportRequest.parse({ checkedImages: 4 }));
  await enqueueReport(reportQueue, reference());
  const status = await untilReported(job, 'completed');
  const { classes, flips, patches, trust, ...report } = await readReport();
  expect(status).toMatchObject({ writtenAt: report.writtenAt, stage: null, error: null });
  expect(report).toMatchObject({
    ...{ job: job.id, isComplete: true, groupBy: 'label', notes: [] },
    images: { total: 24, ended: 24, read: 24 },
    metrics: { images: 24, accuracy: 1 },
  });
  expect(classes.map((one) => [one.class.label, one.images])).toEqual([
    ['marked', 12],
    ['plain', 12],
  ]);
  expect(classes[0]?.drop.mean).toBeGreaterThan(0.5);
  expect(classes[1]?.drop.mean).toBeCloseTo(0, 6);
  expect(flips.map(({ from, to, images }) => [from.label, to?.label, images])).toEqual([
    ['marked', 'plain', 12],
  ]);
  expect(patches).toMatchObject({ layer: 'Relu seen', reason: null, images: 12, candidates: 12 });
  expect(patches.clusters).toHaveLength(1);
  expect(patches.clusters[0]?.class.label).toBe('marked');
  expect(patches.clusters[0]?.members.filter(isMarked)).toHaveLength(12);
  expect(trust.order).toMatchObject({ images: 4, steps: 10 });
  await untilGone(keys.pendingReports());
});

test('its crops are the patches', async () => {
  const { patches } = await readReport();
  const member = patches.clusters[0]?.members[0];
  const crop = await store().get(keys.reportCrop(tenant, job.id, member?.id ?? ''));
  const { data, info } = await sharp(crop)
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  expect(info).toMatchObject({ width: 16, height: 16 });
  expect(Math.min(...data)).toBeGreaterThan(250);
  const shown = patches.clusters.flatMap(({ members }) => members.slice(0, 12));
  expect(await keysUnder(keys.reportCrops(tenant, job.id))).toEqual(
    shown.map(({ id }) => keys.reportCrop(tenant, job.id, id)).sort(),
  );
});

test('its table has a row an image, as other readers see it', async () => {
  const path = join(stage.env.UMBRA_STORE_DIR as string, keys.reportTable(tenant, job.id));
  const duckdb = await DuckDBInstance.create();
  const connection = await duckdb.connect();
  const found = await connection.runAndReadAll(
    `SELECT label, count(*) AS n, count(cluster) AS clustered, min("drop") AS least, max("right") AS "right"
     FROM '${path}' GROUP BY label ORDER BY label`,
  );
  expect(found.getRowObjectsJson()).toEqual([
    { label: 'marked', n: '12', clustered: '12', least: expect.any(Number), right: 16 },
    {
      label: 'plain',
      n: '12',
      clustered: '0',
      least: expect.closeTo(0, 6),
      right: expect.any(Number),
    },
  ]);
  connection.closeSync();
});

test('a report that is asked for once more reads no result again', async () => {
  const { id } = job;
  const before = await readReport();
  const lost = keys.result(tenant, id, imageIdAt(0), 'scores.npy');
  const scores = await store().get(lost);
  await store().delete(lost);
  const request = reportRequest.parse({ patches: 0, checkedImages: 0 });
  await requestReport(stage.store, reference(), request);
  await enqueueReport(reportQueue, reference());
  await untilReported(job, 'completed');
  await store().put(lost, scores);
  const after = await readReport();
  expect(after.classes).toEqual(before.classes);
  expect(after.patches).toMatchObject({ layer: null, reason: null, images: 0, clusters: [] });
  expect(await keysUnder(keys.reportCrops(tenant, id))).toEqual([]);
});

test('jobs with other fills tell how far the maps agree', async () => {
  const { dataset, model } = job;
  const fill = { kind: 'constant', value: 0, space: 'pixel' } as const;
  const other = await untilFinal(stage, await copyJob({ dataset, model, fill }));
  const request = reportRequest.parse({ others: [other.id], checkedImages: 0 });
  await requestReport(stage.store, reference(), request);
  await enqueueReport(reportQueue, reference());
  await untilReported(job, 'completed');
  const { trust } = await readReport();
  expect(trust.agreement?.maps).toEqual([
    { name: 'constant 0 normalized', job: job.id },
    { name: 'constant 0 pixel', job: other.id },
  ]);
  expect(trust.agreement?.images).toBeGreaterThanOrEqual(marked);
  expect(await keysUnder(keys.evidence(tenant, other.id))).toHaveLength(1);
});

describe('a trial', () => {
  const corner = { top: 0, left: 0, bottom: 0.25, right: 0.25 };
  const region = { kind: 'region', class: 'marked', region: corner } as const;

  test.each([
    ['cluster', { kind: 'cluster', cluster: 0 } as const],
    ['region', region],
  ])('of a %s tells what it causes', async (_, of) => {
    const { result: found, ...trial } = await run(trialRequest.parse({ of, images: 10 }));
    const { coverEffect, pasteEffect, ...result } = found ?? expect.fail();
    expect([coverEffect.right.mean, coverEffect.asClass.mean]).toEqual([-1, -1]);
    expect([pasteEffect?.right.mean, pasteEffect?.asClass.mean]).toEqual([-1, 1]);
    expect(trial).toMatchObject({ state: 'completed', error: null, class: { label: 'marked' } });
    expect(trial.progress).toEqual({ done: 20, total: 20 });
    const arms = Object.entries(result).map(([arm, said]) => [
      ...[arm, said?.images, said?.before, said?.after],
      ...[said?.asClass.before, said?.asClass.after],
    ]);
    expect(arms).toEqual([
      ['cover', 10, 1, 0, 1, 0],
      ['coverElsewhere', 10, 1, 1, 1, 1],
      ['paste', 10, 1, 0, 0, 1],
      ['pasteOther', 10, 1, 1, 0, 0],
    ]);
  });

  test('of what the report does not have fails, and says so', async () => {
    const { state, error } = await run(trialRequest.parse({ of: { kind: 'cluster', cluster: 9 } }));
    expect(state).toBe('failed');
    expect(error).toMatchObject({
      code: 'not_found',
      message: expect.stringContaining('no cluster 9'),
    });
  });

  test('of a cluster of an older report fails, since it may be another one now', async () => {
    const asked = trialRequest.parse({ of: { kind: 'cluster', cluster: 0 } });
    const { state, error } = await run(asked, { createdAt: '2026-01-01T00:00:00.000Z' });
    expect([state, error?.code]).toEqual(['failed', 'conflict']);
    expect(error?.message).toContain('ask again');
  });

  test('without room for the control fails, and says so', async () => {
    const all = { top: 0, left: 0, bottom: 1, right: 1 };
    const { state, error } = await run(trialRequest.parse({ of: { ...region, region: all } }));
    expect(state).toBe('failed');
    expect(error?.message).toContain('room beside the covered box');
  });

  test('that is cancelled ends without a result', async () => {
    const trial = await run(trialRequest.parse({ of: region }), { shouldCancel: true });
    expect(trial).toMatchObject({ state: 'cancelled', result: null, error: null });
    await untilGone(keys.pendingTrials());
  });
});

test('the report and the trials of a job are deleted with it', async () => {
  await requestReport(stage.store, reference(), reportRequest.parse({}));
  await deleteJob(stage.store, tenant, job);
  // As the dispatcher does, which finds its marker.
  await enqueueReport(reportQueue, reference());
  await untilGone(keys.pendingReports());
  expect(await keysUnder(keys.jobFiles(tenant, job.id))).toEqual([]);
});
