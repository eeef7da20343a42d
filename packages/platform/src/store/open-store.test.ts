import { expect, test } from 'vitest';
import { commonConfig, readConfig } from '../config.js';
import { openStore } from './open-store.js';

test('opens the folder by default, and the bucket on request', () => {
  expect(openStore(readConfig(commonConfig, {})).kind).toBe('fs');
  const env = { UMBRA_STORE: 's3', UMBRA_S3_BUCKET: 'photos' };
  expect(openStore(readConfig(commonConfig, env)).kind).toBe('s3');
});

test('refuses S3 without a bucket', () => {
  const config = readConfig(commonConfig, { UMBRA_STORE: 's3' });
  expect(() => openStore(config)).toThrowError(
    expect.objectContaining({
      code: 'invalid_input',
      message: expect.stringContaining('UMBRA_S3_BUCKET'),
    }),
  );
});
