import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readBundle } from '@umbra/engine';
import { writeTinyBundle } from '@umbra/engine/testing';
import { readConfig } from '@umbra/platform/config';
import { createFsStore } from '@umbra/platform/store/fs-store';
import { readModelCheck } from '@umbra/platform/store/model-checks';
import type { ObjectStore } from '@umbra/platform/store/store';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { apiConfig } from '../config.js';
import { assertRuns, checkPublished, type PublishedModel } from './check-published.js';

const { signal } = new AbortController();

let folder: string;
let store: ObjectStore;
const logger = pino({ level: 'silent' });
const warn = vi.spyOn(logger, 'warn');

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'umbra-published-'));
  store = createFsStore(join(folder, 'store'));
  warn.mockClear();
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true, force: true });
});

async function publish(name: string, onnx?: Buffer): Promise<PublishedModel> {
  const bundled = await writeTinyBundle(folder, { name, ...(onnx && { onnx }) });
  return { ...(await readBundle(bundled)), folder: bundled };
}
const check = (model: PublishedModel) =>
  checkPublished({ store, logger, config: readConfig(apiConfig, {}) }, [model], signal);
const readCheck = ({ bundle: { name }, digest }: PublishedModel) =>
  readModelCheck(store, { name, digest });

test('a model whose process was killed is not refused, and is tried again at the next start', async () => {
  const model = await publish('killed');
  const killing = join(folder, 'killing.mjs');
  await writeFile(
    killing,
    `if (process.argv[1]?.endsWith('model-process.js')) {
      const send = process.send.bind(process);
      // From its start on it counts as the model's process.
      process.send = (reply) => send(reply, () => process.kill(process.pid, 'SIGKILL'));
    }`,
  );
  vi.stubEnv('NODE_OPTIONS', `--import=${killing}`);
  await check(model);
  expect(await readCheck(model)).toBeNull();
  await assertRuns(store, { name: 'killed', digest: model.digest });
  expect(warn).toHaveBeenCalledExactlyOnceWith(
    expect.objectContaining({ name: 'killed' }),
    'model not checked',
  );

  vi.unstubAllEnvs();
  await check(model);
  expect(await readCheck(model)).toMatchObject({ reason: null });
});

test('a model that cannot be read is refused', async () => {
  const model = await publish('broken', Buffer.from('nothing'));
  await check(model);
  expect((await readCheck(model))?.reason).toMatch(/./);
  await expect(assertRuns(store, { name: 'broken', digest: model.digest })).rejects.toMatchObject({
    code: 'invalid_input',
  });
});
