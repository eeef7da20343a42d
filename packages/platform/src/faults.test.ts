import { AppError, integrity, invalidInput, unavailable } from '@umbra/shared/errors';
import { expect, test } from 'vitest';
import { isOutage } from './faults.js';

const reply = (message: string) => Object.assign(new Error(message), { name: 'ReplyError' });
const system = (code: string) => Object.assign(new Error(`${code}: it broke`), { code });

test.each([
  unavailable('The store failed'),
  ...[
    "OOM command not allowed when used memory > 'maxmemory'.",
    'ERR Error running script (call to f_1): @user_script:1: -OOM command not allowed',
    'EXECABORT Transaction discarded because of previous errors.',
    'LOADING Redis is loading the dataset in memory',
    "READONLY You can't write against a read only replica.",
    'MASTERDOWN Link with MASTER is down',
    'CLUSTERDOWN The cluster is down',
    'TRYAGAIN Multiple keys request during rehashing of slot',
    'NOREPLICAS Not enough good replicas to write.',
    'MISCONF Redis is configured to save RDB snapshots',
  ].map(reply),
  ...['EIO', 'ENOSPC', 'EROFS', 'ECONNRESET', 'ETIMEDOUT', 'ECONNREFUSED', 'EPIPE'].map(system),
  new Error('Connection is closed.'),
  new Error('Command timed out'),
  Object.assign(new Error('Reached the max retries'), { name: 'MaxRetriesPerRequestError' }),
])('%s is an outage', (error) => {
  expect(isOutage(error)).toBe(true);
});

test.each([
  invalidInput('Expected a photo'),
  integrity('Expected other bytes'),
  new AppError('internal', 'A bug'),
  new AppError('cancelled', 'Cancelled'),
  reply('WRONGTYPE Operation against a key holding the wrong kind of value'),
  new Error('Expected 3 rows, got 2'),
  new Error('connect ECONNREFUSED 127.0.0.1:80'),
  system('ENOENT'),
  'OOM',
  undefined,
])('%s is none', (error) => {
  expect(isOutage(error)).toBe(false);
});
