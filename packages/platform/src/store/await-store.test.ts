import { unavailable } from '@umbra/shared/errors';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { untilThere } from './await-store.js';

const logger = pino({ level: 'silent' });
const away = unavailable('its volume is away');

test('a folder that is no store yet is waited for', async () => {
  let looks = 0;
  const check = async () => {
    looks += 1;
    if (looks < 3) throw away;
  };
  await untilThere({ kind: 'fs', check }, logger, { total: 60_000, every: 1 });
  expect(looks).toBe(3);
});

test('the wait ends, with what is expected', async () => {
  const check = () => Promise.reject(away);
  await expect(untilThere({ kind: 'fs', check }, logger, { total: 5, every: 1 })).rejects.toBe(
    away,
  );
});

test('a server that is away is not waited for', async () => {
  let looks = 0;
  const check = async () => {
    looks += 1;
    throw away;
  };
  await expect(untilThere({ kind: 's3', check }, logger)).rejects.toBe(away);
  expect(looks).toBe(1);
});
