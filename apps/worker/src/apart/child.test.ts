import { createHash } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readVerifiedBundle } from '@umbra/engine';
import { writeTfjsBundle } from '@umbra/engine/testing';
import { readConfig } from '@umbra/platform/config';
import { isOutage } from '@umbra/platform/faults';
import { createFsStore } from '@umbra/platform/store/fs-store';
import { defaultTenant, keys } from '@umbra/platform/store/keys';
import { publishModel } from '@umbra/platform/store/models';
import { allOutputs } from '@umbra/shared/contracts/outputs';
import { occlusionSettings } from '@umbra/shared/contracts/settings';
import type { ShardPayload } from '@umbra/shared/contracts/shard';
import { imageIdAt, newDatasetId, newJobId } from '@umbra/shared/ids';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { workerConfig } from '../config.js';
import { startChild } from './child.js';

const never = new AbortController().signal;
const side = 32;
let folder: string;
let config: ReturnType<typeof configOf>;

const configOf = () =>
  readConfig(workerConfig, {
    REDIS_URL: 'redis://127.0.0.1:1',
    UMBRA_STORE: 'fs',
    UMBRA_STORE_DIR: join(folder, 'store'),
    UMBRA_CACHE_DIR: join(folder, 'cache'),
  });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'umbra-child-'));
  config = configOf();
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A model that is converted before it runs: the mean of each channel, and a dense layer. */
async function publishTfjs() {
  const store = createFsStore(join(folder, 'store'));
  const pool = { name: 'pool', batch_input_shape: [null, side, side, 3] };
  const layers = [
    { class_name: 'GlobalAveragePooling2D', config: pool },
    { class_name: 'Dense', config: { name: 'dense', units: 3 } },
  ];
  const bundle = await writeTfjsBundle(folder, {
    format: 'layers-model',
    topology: {
      model_config: { class_name: 'Sequential', config: { name: 'small', layers } },
    },
    weights: [
      { name: 'dense/kernel', shape: [3, 3], values: [1, 2, 3, 4, 5, 6, 7, 8, 9] },
      { name: 'dense/bias', shape: [3], values: [0, 1, 2] },
    ],
  });
  return { store, model: await publishModel(store, bundle, await readVerifiedBundle(bundle)) };
}

async function writeShard(): Promise<ShardPayload> {
  const { store, model } = await publishTfjs();
  const create = { width: side, height: side, channels: 3, background: 'teal' } as const;
  const bytes = await sharp({ create }).png().toBuffer();
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const [dataset, id] = [newDatasetId(), imageIdAt(0)];
  await store.put(keys.image(defaultTenant, dataset, sha256), bytes);
  return {
    version: 3,
    tenant: defaultTenant,
    jobId: newJobId(),
    dataset,
    item: {
      ...{ version: 1, id, name: 'photo.png', sha256 },
      ...{ bytes: bytes.length, width: side, height: side },
    },
    model: { name: model.name, digest: model.digest },
    settings: occlusionSettings.parse({ patch: 16, stride: 16 }),
    outputs: allOutputs,
    attempt: 1,
    reuse: false,
    rowStart: 0,
    rowEnd: 1,
  };
}

test('a process that cannot be started is an outage, at once', async () => {
  const error = await startChild(config, '/no/such/node').catch((reason: unknown) => reason);
  expect(error).toMatchObject({
    code: 'unavailable',
    message: expect.stringContaining('not start'),
  });
  expect(isOutage(error)).toBe(true);
});

test('a process that ends when it is asked to leaves no converted model', async () => {
  const shard = await writeShard();
  const scratch = await mkdtemp(join(folder, 'scratch-'));
  const before = process.env.TMPDIR;
  process.env.TMPDIR = scratch;
  const child = await startChild(config).finally(() => {
    if (before === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = before;
  });
  const range = { rowStart: 0, rowEnd: 1 };
  const outcome = await child.ask({ kind: 'compute', shard, range }, never);
  expect(outcome).toMatchObject({ rows: { ...range, provenance: expect.anything() } });
  const converted = (await readdir(scratch)).filter((name) => name.startsWith('umbra-onnx-'));
  expect(converted).not.toEqual([]);
  await child.end();
  expect(child.isUp()).toBe(false);
  const left = (await readdir(scratch)).filter((name) => name.startsWith('umbra-onnx-'));
  expect(left).toEqual([]);
}, 60_000);
