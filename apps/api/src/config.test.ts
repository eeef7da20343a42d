import { readConfig } from '@umbra/platform/config';
import { describe, expect, test } from 'vitest';
import { tenantDefaultsOf } from './auth/tenant-defaults.js';
import { apiConfig } from './config.js';

const read = (env: Record<string, string>) => readConfig(apiConfig, env);

test('authentication by API key is the default', () => {
  expect(read({}).UMBRA_AUTH).toBe('keys');
  expect(read({ UMBRA_HOST: '0.0.0.0' }).UMBRA_AUTH).toBe('keys');
});

describe('without authentication', () => {
  test.each(['127.0.0.1', '127.1.2.3', 'localhost', '::1'])('the API may listen on %s', (host) => {
    expect(read({ UMBRA_AUTH: 'none', UMBRA_HOST: host }).UMBRA_AUTH).toBe('none');
  });

  test.each(['0.0.0.0', '::', '10.0.0.1', '127.example.org', '127.0.0.1.example.org', 'umbra'])(
    'the address %s is refused',
    (host) => {
      const start = () => read({ UMBRA_AUTH: 'none', UMBRA_HOST: host });
      expect(start).toThrow(/UMBRA_AUTH: Expected 'keys' unless UMBRA_HOST is a loopback address/);
    },
  );
});

test('the memory of a process that runs a model holds the largest model', () => {
  const { UMBRA_MAX_MODEL_MB, UMBRA_MODEL_MEMORY_MB } = read({});
  expect([UMBRA_MAX_MODEL_MB, UMBRA_MODEL_MEMORY_MB]).toEqual([1024, 6144]);
  const sized = (size: string, memory: string) =>
    read({ UMBRA_MAX_MODEL_MB: size, UMBRA_MODEL_MEMORY_MB: memory });
  expect(sized('100', '600').UMBRA_MODEL_MEMORY_MB).toBe(600);
  expect(() => sized('100', '599')).toThrow(
    /UMBRA_MODEL_MEMORY_MB: Expected 6 times UMBRA_MAX_MODEL_MB at least/,
  );
  expect(() => sized('1', '511')).toThrow('UMBRA_MODEL_MEMORY_MB');
});

test('quotas are unlimited unless set, and requests have a default limit', () => {
  const none = {
    images: null,
    bytes: null,
    positionsInFlight: null,
    jobs: null,
    openDatasets: null,
    streams: null,
  };
  expect(tenantDefaultsOf(read({}))).toEqual({ quotas: none, requestsPerMinute: 6000 });
  expect(tenantDefaultsOf(read({ UMBRA_AUTH: 'none' })).requestsPerMinute).toBeNull();
  const set = {
    UMBRA_QUOTA_IMAGES: '5',
    UMBRA_QUOTA_BYTES: '6',
    UMBRA_QUOTA_POSITIONS: '7',
    UMBRA_QUOTA_JOBS: '8',
  };
  expect(tenantDefaultsOf(read(set)).quotas).toEqual({
    ...none,
    images: 5,
    bytes: 6,
    positionsInFlight: 7,
    jobs: 8,
  });
  expect(() => read({ UMBRA_QUOTA_IMAGES: '0' })).toThrow('UMBRA_QUOTA_IMAGES');
});
