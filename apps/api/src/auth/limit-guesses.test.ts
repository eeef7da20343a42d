import { AppError } from '@umbra/shared/errors';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { limitGuesses } from './limit-guesses.js';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

const mine = { tenant: 'acme', scopes: ['read'], keyPrefix: 'aaaaaaaa' } as const;
/** A verifier that accepts the keys that start with `good`. */
function guard(perMinute = 3) {
  const asked: string[] = [];
  const ends = new Set<string>();
  const check = limitGuesses(
    async (key) => {
      asked.push(key);
      if (key.startsWith('good') && !ends.has(key)) return mine;
      if (key === 'away') throw new AppError('unavailable', 'The store is away');
      throw new AppError('unauthorized', 'Unknown API key');
    },
    { perMinute, what: 'API keys' },
  );
  const ask = (key: string, ip = '192.0.2.1') => check({ ip }, key);
  return { asked, ends, ask };
}
const unauthorized = { code: 'unauthorized' };
const limited = (seconds: string) => ({
  code: 'rate_limited',
  headers: { 'Retry-After': seconds },
});

test('an address above its limit of bad keys is refused until the minute is over', async () => {
  const { ask, asked } = guard();
  for (const key of ['a', 'b', 'c']) await expect(ask(key)).rejects.toMatchObject(unauthorized);
  vi.advanceTimersByTime(20_000);
  for (const key of ['d', 'e']) await expect(ask(key)).rejects.toMatchObject(limited('40'));
  expect(asked).toEqual(['a', 'b', 'c']);
  await expect(ask('f', '192.0.2.2')).rejects.toMatchObject(unauthorized);
  vi.advanceTimersByTime(40_001);
  await expect(ask('g')).rejects.toMatchObject(unauthorized);
});

test('good keys are not counted, and a verified key passes whatever others send from its address', async () => {
  const { ask, ends } = guard();
  for (let turn = 0; turn < 10; turn++) await ask('good');
  for (const key of ['a', 'b', 'c']) await expect(ask(key)).rejects.toMatchObject(unauthorized);
  await expect(ask('good')).resolves.toEqual(mine);
  // A key that was never verified may be a guess.
  await expect(ask('good, but new')).rejects.toMatchObject(limited('60'));
  // A verified key that is revoked loses its exemption.
  ends.add('good');
  await expect(ask('good')).rejects.toMatchObject(unauthorized);
  await expect(ask('good')).rejects.toMatchObject(limited('60'));
});

test('a store that is down does not count as a bad key', async () => {
  const { ask } = guard(1);
  for (let turn = 0; turn < 3; turn++) {
    await expect(ask('away')).rejects.toMatchObject({ code: 'unavailable' });
  }
});

test('an IPv6 /56 counts as one address, and both notations of an IPv4 address as the same', async () => {
  const { ask } = guard(1);
  await expect(ask('a', '2001:db8:1:200::1')).rejects.toMatchObject(unauthorized);
  await expect(ask('b', '2001:db8:1:2ff::2')).rejects.toMatchObject(limited('60'));
  await expect(ask('c', '2001:db8:1:300::1')).rejects.toMatchObject(unauthorized);
  await expect(ask('d', '::ffff:192.0.2.9')).rejects.toMatchObject(unauthorized);
  await expect(ask('e', '192.0.2.9')).rejects.toMatchObject(limited('60'));
});
