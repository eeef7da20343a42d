import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { createFsStore } from '../store/fs-store.js';
import { keys } from '../store/keys.js';
import type { ObjectStore } from '../store/store.js';
import { createApiKey, parseApiKey, revokeApiKey } from './api-keys.js';
import { createKeyReader } from './key-reader.js';
import { createKeyVerifier } from './verify-key.js';

let folder: string;
let store: ObjectStore;
/** Reads of the store's objects. */
let reads: string[];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'umbra-verify-'));
  const whole = createFsStore(folder);
  const get = (key: string) => {
    reads.push(key);
    return whole.get(key);
  };
  store = { ...whole, get };
});
beforeEach(() => {
  reads = [];
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const verifierOf = (of: ObjectStore) => createKeyVerifier(createKeyReader(of));
const make = (more = {}) => createApiKey(store, { tenant: 'acme', scopes: ['read'], ...more });
const unauthorized = (words: string) => ({
  code: 'unauthorized',
  message: expect.stringContaining(words),
});

test('a key tells whose it is, and the answer holds no secret', async () => {
  const { text, record } = await make({ scopes: ['submit'] });
  const principal = await verifierOf(store)(text);
  expect(principal).toEqual({
    tenant: 'acme',
    scopes: ['submit'],
    keyPrefix: record.prefix,
    expiresAt: null,
  });
});

test('wrong secrets and unknown prefixes are refused with the same words', async () => {
  const verify = verifierOf(store);
  const { text, record } = await make();
  const { secret = '' } = parseApiKey(text) ?? {};
  const other = secret.replace(/^./, (first) => (first === 'a' ? 'b' : 'a'));
  for (const bad of [
    `umbra_${record.prefix}_${other}`,
    `umbra_aaaaaaaa_${secret}`,
    'umbra_no-key',
    '',
    'x'.repeat(100_000),
  ]) {
    await expect(verify(bad)).rejects.toMatchObject(unauthorized('Unknown API key'));
  }
});

test('revoked keys are refused, and only who has the secret is told why', async () => {
  const verify = verifierOf(store);
  const revoked = await make();
  await revokeApiKey(store, revoked.record.prefix);
  await expect(verify(revoked.text)).rejects.toMatchObject(unauthorized('was revoked'));
  const guess = `umbra_${revoked.record.prefix}_${'a'.repeat(26)}`;
  await expect(verify(guess)).rejects.toMatchObject(unauthorized('Unknown API key'));
});

test('a key ends at its time, also while it is remembered', async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  try {
    const verify = verifierOf(store);
    const { text } = await make({ expiresAt: new Date(Date.now() + 60_000) });
    await verify(text);
    vi.setSystemTime(Date.now() + 60_001);
    await expect(verify(text)).rejects.toMatchObject(unauthorized('has expired'));
    await expect(verifierOf(store)(text)).rejects.toMatchObject(unauthorized('has expired'));
  } finally {
    vi.useRealTimers();
  }
});

test('the store is asked once for a key, known or not, however many ask at once', async () => {
  const verify = verifierOf(store);
  const { text } = await make();
  const ask = () => Promise.allSettled(Array.from({ length: 50 }, () => verify(text)));
  await ask();
  await ask();
  expect(reads).toHaveLength(1);
  const unknown = `umbra_aaaaaaab_${'a'.repeat(26)}`;
  for (let turn = 0; turn < 50; turn++) await verify(unknown).catch(() => undefined);
  expect(reads).toHaveLength(2);
});

test('a revoked key is refused within five seconds', async () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  try {
    const verify = verifierOf(store);
    const { text, record } = await make();
    await verify(text);
    await revokeApiKey(store, record.prefix);
    await verify(text);
    vi.advanceTimersByTime(5_000);
    await expect(verify(text)).rejects.toMatchObject(unauthorized('was revoked'));
  } finally {
    vi.useRealTimers();
  }
});

test('a store that is away is no verdict, and is not remembered', async () => {
  let isAway = true;
  const verify = verifierOf({
    ...store,
    get: async (key) => {
      if (isAway) throw Object.assign(new Error('away'), { code: 'unavailable' });
      return store.get(key);
    },
  });
  const { text } = await make();
  await expect(verify(text)).rejects.toMatchObject({ code: 'unavailable' });
  isAway = false;
  expect(await verify(text)).toMatchObject({ tenant: 'acme' });
});

test('a damaged record is a fault of ours, and opens nothing', async () => {
  const { text, record } = await make();
  await store.put(keys.apiKey(record.prefix), '{}');
  await expect(verifierOf(store)(text)).rejects.toMatchObject({ code: 'integrity' });
});
