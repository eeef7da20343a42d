import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createFsStore } from '../store/fs-store.js';
import { keys } from '../store/keys.js';
import type { ObjectStore } from '../store/store.js';
import {
  allows,
  createApiKey,
  listApiKeys,
  parseApiKey,
  readApiKey,
  revokeApiKey,
  rotateApiKey,
} from './api-keys.js';

let folder: string;
let store: ObjectStore;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'umbra-keys-'));
  store = createFsStore(folder);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const make = (tenant = 'acme', more = {}) =>
  createApiKey(store, { tenant, scopes: ['read'], ...more });

test('a key has a public prefix and 128 random bits, of which the store has only a hash', async () => {
  const { text, record } = await make();
  expect(text).toMatch(/^umbra_[a-z2-7]{8}_[a-z2-7]{26}$/);
  const { prefix, secret } = parseApiKey(text) ?? { prefix: '', secret: '' };
  expect(prefix).toBe(record.prefix);
  const stored = (await store.get(keys.apiKey(prefix))).toString();
  expect(stored).not.toContain(secret);
  expect(JSON.parse(stored)).toEqual(record);
  const others = await Promise.all(Array.from({ length: 50 }, () => make('many')));
  expect(new Set(others.map((other) => parseApiKey(other.text)?.secret)).size).toBe(50);
});

test.each([
  '',
  'umbra_',
  'umbra_abcdefgh',
  'umbra_abcdefgh_',
  `umbra_abcdefgh_${'a'.repeat(25)}`,
  `umbra_abcdefgh_${'a'.repeat(27)}`,
  `umbra_ABCDEFGH_${'a'.repeat(26)}`,
  `umbra_../../xx_${'a'.repeat(26)}`,
  ` umbra_abcdefgh_${'a'.repeat(26)}`,
  `umbra_abcdefgh_${'a'.repeat(26)}\n`,
])('%j is no key', (text) => {
  expect(parseApiKey(text)).toBeNull();
});

test.each([
  [{ tenant: '../x' }, 'Expected a tenant'],
  [{ tenant: '-x' }, 'Expected a tenant'],
  [{ tenant: 'x'.repeat(41) }, 'Expected a tenant'],
  [{ scopes: [] }, 'at least one scope'],
  [{ name: 'n'.repeat(101) }, 'Bad name'],
  [{ expiresAt: new Date(Date.now() - 1) }, 'in the future'],
])('%j is refused', async (more, words) => {
  await expect(make('acme', more)).rejects.toMatchObject({
    code: 'invalid_input',
    message: expect.stringContaining(words),
  });
});

test('admin implies submit implies read, and nothing the other way', () => {
  expect(allows(['admin'], 'submit')).toBe(true);
  expect(allows(['admin'], 'read')).toBe(true);
  expect(allows(['submit'], 'read')).toBe(true);
  expect(allows(['submit'], 'submit')).toBe(true);
  expect(allows(['submit'], 'admin')).toBe(false);
  expect(allows(['read'], 'submit')).toBe(false);
  expect(allows([], 'read')).toBe(false);
});

test('keys are listed by tenant', async () => {
  const { record } = await make('listed');
  await make('other');
  const found = [];
  for await (const key of listApiKeys(store, 'listed')) found.push(key);
  expect(found).toEqual([record]);
});

test('a key is revoked once, and the time stays', async () => {
  const { record } = await make();
  const { revokedAt } = await revokeApiKey(store, record.prefix);
  expect(revokedAt).not.toBeNull();
  expect(await revokeApiKey(store, record.prefix)).toMatchObject({ revokedAt });
});

test.each(['aaaaaaaa', '../../x', '', 'A'])('prefix %j is unknown', async (prefix) => {
  await expect(revokeApiKey(store, prefix)).rejects.toMatchObject({ code: 'not_found' });
});

describe('rotation', () => {
  const hour = 3_600_000;

  test('makes a key like the old one, which ends after the grace period', async () => {
    const expiresAt = new Date(Date.now() + 90 * 24 * hour);
    const old = await make('acme', { scopes: ['submit', 'read'], name: 'ci', expiresAt });
    const before = Date.now();
    const { record } = await rotateApiKey(store, old.record.prefix, hour);
    expect(record).toMatchObject({ tenant: 'acme', name: 'ci', scopes: ['read', 'submit'] });
    expect(record.prefix).not.toBe(old.record.prefix);
    const lifeMs = Date.parse(record.expiresAt ?? '') - before;
    expect(Math.abs(lifeMs - 90 * 24 * hour)).toBeLessThan(10_000);
    const ending = await readApiKey(store, old.record.prefix);
    const graceMs = Date.parse(ending.expiresAt ?? '') - before;
    expect(graceMs).toBeGreaterThanOrEqual(hour);
    expect(graceMs).toBeLessThan(hour + 10_000);
  });

  test('never has the old key live longer than it was to', async () => {
    const expiresAt = new Date(Date.now() + hour);
    const old = await make('acme', { expiresAt });
    await rotateApiKey(store, old.record.prefix, 48 * hour);
    expect(await readApiKey(store, old.record.prefix)).toMatchObject({
      expiresAt: expiresAt.toISOString(),
    });
  });

  test.each([
    ['before the new key is written', 1],
    ['after the old one was read, before it is written', 2],
  ])('never brings back a key revoked %s, nor makes another', async (_, at) => {
    const tenant = `raced-${at}`;
    const { record } = await make(tenant);
    let writes = 0;
    const racing: ObjectStore = {
      ...store,
      async put(...given) {
        writes += 1;
        if (writes === at) await revokeApiKey(store, record.prefix);
        await store.put(...given);
      },
    };
    await expect(rotateApiKey(racing, record.prefix, hour)).rejects.toMatchObject({
      code: 'conflict',
    });
    for await (const { revokedAt } of listApiKeys(store, tenant)) expect(revokedAt).not.toBeNull();
  });

  test('of one key and its revocation at once: the revocation wins, whoever is first', async () => {
    for (let turn = 0; turn < 30; turn++) {
      const { record } = await make();
      const [revoked] = await Promise.allSettled([
        revokeApiKey(store, record.prefix),
        rotateApiKey(store, record.prefix, hour),
        rotateApiKey(store, record.prefix, hour),
      ]);
      expect(revoked.status).toBe('fulfilled');
      expect((await readApiKey(store, record.prefix)).revokedAt).not.toBeNull();
    }
  });

  test('is refused for a key that has ended', async () => {
    const { record } = await make();
    await revokeApiKey(store, record.prefix);
    await expect(rotateApiKey(store, record.prefix, hour)).rejects.toMatchObject({
      code: 'conflict',
    });
  });
});
