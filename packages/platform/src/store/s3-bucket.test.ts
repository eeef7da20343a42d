import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { unavailable } from '@umbra/shared/errors';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { createBucketCheck } from './s3-bucket.js';
import { createS3Store } from './s3-store.js';

describe('the check of a bucket', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['performance'], now: 1_000_000 });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test('keeps a good answer for some seconds, and shares it', async () => {
    const ask = vi.fn(async () => undefined);
    const check = createBucketCheck(ask);
    await Promise.all([check(), check(), check()]);
    await check();
    expect(ask).toHaveBeenCalledTimes(1);
    vi.advanceTimersByTime(5_001);
    await check();
    expect(ask).toHaveBeenCalledTimes(2);
  });

  test('keeps no bad answer', async () => {
    const away = unavailable('the bucket is away');
    const ask = vi.fn(() => Promise.reject(away));
    const check = createBucketCheck(ask);
    await expect(check()).rejects.toBe(away);
    await expect(check()).rejects.toBe(away);
    expect(ask).toHaveBeenCalledTimes(2);
  });
});

describe('a server without a missing object', () => {
  /** Its answer to a look at the bucket. */
  let status = 200;
  let looks = 0;
  let server: Server;
  beforeAll(async () => {
    server = createServer(({ url = '' }, response) => {
      const isBucket = new URL(url, 'http://s3').pathname.split('/').filter(Boolean).length === 1;
      if (isBucket) looks += 1;
      response.writeHead(isBucket ? status : 404).end();
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
  });
  beforeEach(() => {
    looks = 0;
  });
  afterAll(() => {
    server?.closeAllConnections();
    server?.close();
  });
  const open = () =>
    createS3Store({
      bucket: 'umbra',
      prefix: '',
      region: 'us-east-1',
      endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      credentials: { accessKeyId: 'id', secretAccessKey: 'secret' },
    });

  test.each([200, 403])('has a bucket where it answers %i, and is asked once', async (answer) => {
    status = answer;
    const store = open();
    const keys = Array.from({ length: 20 }, (_, index) => `missing/${index}`);
    const found = await Promise.all(keys.map((key) => store.head(key)));
    expect(new Set(found)).toEqual(new Set([null]));
    expect(looks).toBe(1);
  });

  test('has none where it answers 404', async () => {
    status = 404;
    await expect(open().head('missing')).rejects.toMatchObject({ code: 'unavailable' });
  });
});
