import { readConfig } from '@umbra/platform/config';
import { isOutage } from '@umbra/platform/faults';
import { expect, test } from 'vitest';
import { workerConfig } from '../../config.js';
import { startChild } from './child.js';

const config = readConfig(workerConfig, { REDIS_URL: 'redis://127.0.0.1:1', UMBRA_STORE: 'fs' });

test('a process that cannot be started is an outage, at once', async () => {
  const error = await startChild(config, '/no/such/node').catch((reason: unknown) => reason);
  expect(error).toMatchObject({
    code: 'unavailable',
    message: expect.stringContaining('not start'),
  });
  expect(isOutage(error)).toBe(true);
});
