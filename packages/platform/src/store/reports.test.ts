import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ReportStatus, reportRequest } from '@umbra/shared/contracts/report';
import { newJobId, newTrialId } from '@umbra/shared/ids';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createFsStore } from './fs-store.js';
import { putJson } from './json.js';
import { keys } from './keys.js';
import { deleteReport, readReportStatus, readTrial, requestReport } from './reports.js';
import type { ObjectStore } from './store.js';

const tenant = 't';
let folder: string;
let store: ObjectStore;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'umbra-reports-'));
  store = createFsStore(folder);
});

afterAll(() => rm(folder, { recursive: true, force: true }));

test('a status is told only of the request that it is of', async () => {
  const job = { tenant, id: newJobId() };
  expect(await readReportStatus(store, job)).toBeNull();
  const queued = await requestReport(store, job, reportRequest.parse({}));
  expect(queued).toMatchObject({ state: 'queued', job: job.id, writtenAt: null });
  expect(await store.head(keys.pendingReport(tenant, job.id))).not.toBeNull();
  const told: ReportStatus = { ...queued, state: 'completed', writtenAt: queued.requestedAt };
  await putJson(store, keys.reportStatus(tenant, job.id), told);
  expect(await readReportStatus(store, job)).toEqual(told);
  const older = { ...told, requestedAt: '2026-01-01T00:00:00.000Z' };
  await putJson(store, keys.reportStatus(tenant, job.id), older);
  expect(await readReportStatus(store, job)).toEqual({ ...queued, writtenAt: older.writtenAt });
});

test('a deleted report stays away whatever its run still writes', async () => {
  const job = { tenant, id: newJobId() };
  const queued = await requestReport(store, job, reportRequest.parse({}));
  await deleteReport(store, job);
  await putJson(store, keys.reportStatus(tenant, job.id), queued);
  expect(await readReportStatus(store, job)).toBeNull();
  expect(await store.head(keys.pendingReport(tenant, job.id))).toBeNull();
});

test('a damaged record is as good as none, and is replaced', async () => {
  const job = { tenant, id: newJobId() };
  const queued = await requestReport(store, job, reportRequest.parse({}));
  await store.put(keys.reportStatus(tenant, job.id), '{');
  expect(await readReportStatus(store, job)).toEqual(queued);
  await store.put(keys.reportRequest(tenant, job.id), '{"version":1}');
  expect(await readReportStatus(store, job)).toBeNull();
  const again = await requestReport(store, job, reportRequest.parse({ seed: 7 }));
  expect(await readReportStatus(store, job)).toEqual(again);
  const trial = newTrialId();
  await store.put(keys.trial(tenant, job.id, trial), '');
  expect(await readTrial(store, job, trial)).toBeNull();
});
