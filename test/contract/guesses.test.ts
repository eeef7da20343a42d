import { createApiKey } from '@umbra/platform/tenancy/api-keys';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startService, type TestService } from '../support/service.js';

let service: TestService;
beforeAll(async () => {
  service = await startService({
    ...{ UMBRA_AUTH: 'keys', UMBRA_BAD_KEYS_PER_MINUTE: '20', UMBRA_TRUSTED_PROXIES: '1' },
  });
});
afterAll(() => service.close());

const makeKey = async () =>
  (await createApiKey(service.store, { tenant: 'acme', scopes: ['read'] })).text;
const ask = (key: string, address: string) =>
  fetch(`${service.url}/v1/models`, {
    headers: { authorization: `Bearer ${key}`, 'x-forwarded-for': address },
  });
const guess = (index: number): string => {
  const letter = (at: number) => String.fromCharCode(97 + at);
  return `umbra_guess${letter(Math.floor(index / 26))}${letter(index % 26)}a_${'a'.repeat(26)}`;
};

test('an address that guesses keys is limited, and verified keys are exempt from any address', async () => {
  const key = await makeKey();
  const address = '198.51.100.7';
  for (let turn = 0; turn < 30; turn++) expect((await ask(key, address)).status).toBe(200);
  for (let index = 0; index < 20; index++) {
    expect((await ask(guess(index), address)).status).toBe(401);
  }
  const refused = await ask(guess(20), address);
  expect([refused.status, await refused.json()]).toMatchObject([
    429,
    {
      code: 'rate_limited',
      detail: 'Expected at most 20 bad API keys a minute from one address',
    },
  ]);
  const seconds = Number(refused.headers.get('retry-after'));
  expect(seconds).toBeGreaterThan(0);
  expect(seconds).toBeLessThanOrEqual(60);
  expect((await ask(key, address)).status).toBe(200);
  expect((await ask(await makeKey(), address)).status).toBe(429);
  expect((await ask(guess(21), '198.51.100.8')).status).toBe(401);
});

test('a request without a key does not count as a guess', async () => {
  for (let turn = 0; turn < 25; turn++) {
    const response = await fetch(`${service.url}/v1/models`);
    expect(response.status).toBe(401);
  }
});
