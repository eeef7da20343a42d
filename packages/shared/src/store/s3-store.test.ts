import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { ListMultipartUploadsCommand, S3Client } from '@aws-sdk/client-s3';
import { describe, expect, inject, test } from 'vitest';
import { createS3Store } from './s3-store.js';

const s3 = inject('s3');

describe.skipIf(s3 === null)('against a server', () => {
  if (s3 === null) return;
  const { bucket, region, endpoint, accessKeyId, secretAccessKey, kind } = s3;
  const credentials = { accessKeyId, secretAccessKey };
  const prefix = `driver-${randomUUID()}/`;
  const options = { bucket, prefix, region, endpoint, credentials };

  test('a bucket that is not there is unavailable, not not_found', async () => {
    const store = createS3Store({ ...options, bucket: 'umbra-no-such-bucket' });
    await expect(store.get('x')).rejects.toMatchObject({
      code: 'unavailable',
      message: "S3 get in bucket 'umbra-no-such-bucket' failed (NoSuchBucket)",
    });
    await expect(store.check()).rejects.toMatchObject({ code: 'unavailable' });
  });

  test.skipIf(kind === 'emulator')(
    'wrong credentials are unavailable and stay secret',
    async () => {
      const secret = 'not-the-right-secret';
      const store = createS3Store({
        ...options,
        credentials: { accessKeyId, secretAccessKey: secret },
      });
      const error: unknown = await store.put('x', 'x').catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code: 'unavailable' });
      expect(String(error)).toContain(`S3 put in bucket '${bucket}'`);
      expect(String(error)).not.toContain(secret);
      expect(String(error)).not.toContain(accessKeyId);
    },
  );

  test('a failed upload leaves no parts to be paid for', async () => {
    const store = createS3Store(options);
    const fault = new Error('the source broke');
    async function* chunks(): AsyncGenerator<Buffer> {
      for (let index = 0; index < 20; index += 1) yield Buffer.alloc(1024 * 1024);
      throw fault;
    }
    await expect(store.putStream('parts', Readable.from(chunks()))).rejects.toBe(fault);
    const client = new S3Client({ endpoint, region, credentials, forcePathStyle: true });
    const command = new ListMultipartUploadsCommand({ Bucket: bucket, Prefix: prefix });
    const { Uploads = [] } = await client.send(command);
    client.destroy();
    expect(Uploads).toEqual([]);
  });

  test('keys of other prefixes are out of sight', async () => {
    const store = createS3Store(options);
    const other = createS3Store({ ...options, prefix: `${prefix}other/` });
    await store.put('x', 'mine');
    await other.put('x', 'theirs');
    expect((await other.get('x')).toString()).toBe('theirs');
    const listed: unknown[] = [];
    for await (const object of other.list('')) listed.push(object);
    expect(listed).toEqual([{ key: 'x', bytes: 6 }]);
    await Promise.all([store.delete('x'), other.delete('x')]);
  });
});
