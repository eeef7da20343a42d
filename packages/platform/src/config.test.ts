import { expect, test } from 'vitest';
import { commonConfig, portSetting, readConfig } from './config.js';

const messageOf = (env: Record<string, string>, schema = commonConfig): string => {
  try {
    readConfig(schema, env);
  } catch (error) {
    return (error as Error).message;
  }
  return '';
};

test('defaults, with empty variables taken as unset', () => {
  expect(readConfig(commonConfig, { UMBRA_STORE: '', PATH: '/bin' })).toEqual({
    REDIS_URL: 'redis://127.0.0.1:6379',
    UMBRA_ABANDONED_MS: 3_600_000,
    UMBRA_STORE: 'fs',
    UMBRA_STORE_DIR: '.umbra/store',
    UMBRA_S3_PREFIX: '',
    UMBRA_S3_SOURCES: [],
    UMBRA_S3_REGION: 'us-east-1',
    UMBRA_WEBHOOK_ALLOW_PRIVATE: false,
    UMBRA_WEBHOOK_RETRY_MS: 20_000,
    UMBRA_LOG_LEVEL: 'info',
  });
});

test('every bad name is told at once, and no value', () => {
  const env = {
    REDIS_URL: 'http://user:hunter2@redis',
    UMBRA_STORE: 'floppy-disk',
    UMBRA_S3_PREFIX: 'no-slash-secret',
    UMBRA_S3_ENDPOINT: 'token-3141592',
    UMBRA_LOG_LEVEL: 'shouting',
  };
  const message = messageOf(env);
  for (const [name, value] of Object.entries(env)) {
    expect(message).toContain(`${name}: `);
    expect(message).not.toContain(value);
  }
  expect(message).not.toContain('hunter2');
});

test('apps extend it; a port is a number of 16 bits', () => {
  const schema = commonConfig.extend({ UMBRA_PORT: portSetting });
  expect(readConfig(schema, { UMBRA_PORT: '8080' }).UMBRA_PORT).toBe(8080);
  for (const port of ['65536', '-1', '80.5', 'http']) {
    expect(messageOf({ UMBRA_PORT: port }, schema)).toContain('UMBRA_PORT: ');
  }
});

test('the result is frozen', () => {
  expect(Object.isFrozen(readConfig(commonConfig, {}))).toBe(true);
});
