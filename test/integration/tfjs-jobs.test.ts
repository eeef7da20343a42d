import { join } from 'node:path';
import { readVerifiedBundle } from '@umbra/engine';
import { type TfjsArtifacts, writeTfjsBundle } from '@umbra/engine/testing';
import { publishModel } from '@umbra/platform/store/models';
import type { WorkerNotice } from '@umbra/shared/contracts/worker';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  makePhotos,
  startService,
  submitJob,
  type TestService,
  uploadPhotos,
  waitForJob,
} from '../support/service.js';

/** One convolution and a dense layer. */
const network: TfjsArtifacts = {
  format: 'layers-model',
  topology: {
    model_config: {
      class_name: 'Sequential',
      config: {
        name: 'small',
        layers: [
          {
            class_name: 'Conv2D',
            config: {
              name: 'conv',
              batch_input_shape: [null, 32, 32, 3],
              filters: 4,
              kernel_size: [3, 3],
              strides: [2, 2],
              padding: 'same',
              activation: 'relu',
            },
          },
          { class_name: 'GlobalAveragePooling2D', config: { name: 'pool' } },
          { class_name: 'Dense', config: { name: 'dense', units: 3 } },
        ],
      },
    },
  },
  weights: [
    { name: 'conv/kernel', shape: [3, 3, 3, 4], values: numbers(108) },
    { name: 'conv/bias', shape: [4], values: numbers(4) },
    { name: 'dense/kernel', shape: [4, 3], values: numbers(12) },
    { name: 'dense/bias', shape: [3], values: numbers(3) },
  ],
};

function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, index) => Math.sin(index * index + count));
}

let service: TestService;
beforeAll(async () => {
  service = await startService();
  const bundle = await writeTfjsBundle(join(service.folder, 'models'), network, { name: 'small' });
  await publishModel(service.store, bundle, await readVerifiedBundle(bundle));
});
afterAll(() => service.close());

test('a job waits, and says for what, until a worker can run its model', async () => {
  const dataset = await uploadPhotos(service.url, await makePhotos(2));
  const settings = { patch: 8, stride: 8 };
  const job = await submitJob(service.url, { dataset, model: 'small', settings });
  const waiting = (words: string) =>
    waitForJob(service.url, job, ({ waitingFor }) => waitingFor?.includes(words) ?? false);
  await waiting('a worker that runs tfjs-layers models; none of the 0 live workers does');

  // A worker on a GPU's provider runs ONNX alone.
  await service.startWorker({ UMBRA_PROVIDER: 'webgpu' });
  await waiting('none of the 1 live workers does');
  const onnx = await submitJob(service.url, { dataset, model: 'tiny', settings });
  const status = await waitForJob(service.url, onnx, ({ waitingFor }) => waitingFor === null);
  expect(status.waitingFor).toBeNull();

  await service.startWorker();
  const done = await waitForJob(service.url, job);
  expect(done).toMatchObject({ state: 'completed', counts: { completed: 2, failed: 0 } });
  expect(done.waitingFor).toBeNull();
  const { data } = (await (await fetch(`${service.url}/v1/workers`)).json()) as {
    data: WorkerNotice[];
  };
  const formats = data.map((worker) => worker.formats.join()).sort();
  expect(formats).toEqual(['onnx', 'onnx,tfjs-layers,tfjs-graph']);
  const images = await (await fetch(`${service.url}/v1/jobs/${job}/images`)).json();
  const [{ id }] = (images as { data: [{ id: string }] }).data;
  const result = await (
    await fetch(`${service.url}/v1/jobs/${job}/images/${id}/result.json`)
  ).json();
  expect(result).toMatchObject({ provenance: { backend: expect.stringMatching(/^tfjs-/) } });
});
