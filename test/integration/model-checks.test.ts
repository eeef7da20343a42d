import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeOnnx, endlessNetwork, tinyNetwork, writeTinyBundle } from '@umbra/engine/testing';
import { defaultTenant } from '@umbra/platform/store/keys';
import { readModelCheck } from '@umbra/platform/store/model-checks';
import { findModel } from '@umbra/platform/store/models';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { until } from '../support/job-fixture.js';
import {
  makePhotos,
  postJob,
  startService,
  submitJob,
  type TestService,
  uploadPhotos,
  waitForJob,
} from '../support/service.js';

/** A folder of models that were never checked: one of them takes one image, and does not say so. */
let models: string;
let service: TestService;
let dataset: string;

const tiny = tinyNetwork();
const closed = encodeOnnx({
  ...tiny,
  nodes: tiny.nodes.map((node) =>
    node.op === 'Flatten' ? { ...node, op: 'Reshape', inputs: ['pooled', 'shape'] } : node,
  ),
  weights: [...tiny.weights, { name: 'shape', shape: [2], values: [1, 8], whole: true }],
});

beforeAll(async () => {
  models = await mkdtemp(join(tmpdir(), 'umbra-unchecked-'));
  await writeTinyBundle(models, { name: 'closed', onnx: closed });
  await writeTinyBundle(models, { name: 'sound' });
  // The last one, by its name, that the API tries; it serves all the same, and can be stopped.
  await writeTinyBundle(models, { name: 'unending', onnx: encodeOnnx(endlessNetwork()) });
  service = await startService({ UMBRA_MODELS_DIR: models });
  dataset = await uploadPhotos(service.url, await makePhotos(1));
  await service.startWorker();
  // They are tried once the API serves.
  for (const name of ['closed', 'sound']) {
    await until(`the check of ${name}`, async () =>
      readModelCheck(
        service.store,
        await findModel(service.store, { tenant: defaultTenant, name }),
      ),
    );
  }
});
afterAll(async () => {
  await service.close();
  await rm(models, { recursive: true, force: true });
});

const settings = { patch: 8, stride: 8 };

test('a model that does not run is refused when a job is created', async () => {
  const response = await postJob(service.url, { dataset, model: 'closed', settings });
  expect(response.status).toBe(400);
  const { detail } = (await response.json()) as { detail: string };
  expect(detail).toContain("Expected a model that runs, got 'closed'");
  expect(detail).toContain('does not run on input [2,3,32,32]');
});

test('another of the same folder runs', async () => {
  const job = await submitJob(service.url, { dataset, model: 'sound', settings });
  expect(await waitForJob(service.url, job)).toMatchObject({ state: 'completed' });
});
