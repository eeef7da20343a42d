import { createHash, randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  ListMultipartUploadsCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { describe, expect, inject, test, vi } from 'vitest';
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

  test.skipIf(kind !== 'versitygw')(
    'a bucket that was removed is unavailable to whatever is asked, and not an object',
    async () => {
      const client = new S3Client({ endpoint, region, credentials, forcePathStyle: true });
      const own = `umbra-removed-${randomUUID()}`;
      const store = createS3Store({ ...options, bucket: own });
      const away = { code: 'unavailable' };
      try {
        await client.send(new CreateBucketCommand({ Bucket: own }));
        expect(await store.head('a/b')).toBeNull();
        await expect(store.get('a/b')).rejects.toMatchObject({ code: 'not_found' });
        await client.send(new DeleteBucketCommand({ Bucket: own }));
        // That it is there is known for some seconds.
        const patience = { timeout: 40_000, interval: 100 };
        await vi.waitFor(() => expect(store.head('a/b')).rejects.toMatchObject(away), patience);
        await expect(store.get('a/b')).rejects.toMatchObject(away);
        await expect(store.put('a/b', 'x')).rejects.toMatchObject(away);
        await expect(store.delete('a/b')).rejects.toMatchObject(away);
        await expect(store.list('a/')[Symbol.asyncIterator]().next()).rejects.toMatchObject(away);
      } finally {
        client.destroy();
      }
    },
  );

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
    expect(listed).toMatchObject([{ key: 'x', bytes: 6 }]);
    await Promise.all([store.delete('x'), other.delete('x')]);
  });

  test('a presigned GET reads one object, under the name that it is to have', async () => {
    const store = createS3Store(options);
    await store.put('file', 'the bytes');
    const url = await store.presignGet?.('file', {
      expiresSeconds: 60,
      fileName: 'heat "map".png',
      mediaType: 'image/png',
    });
    const response = await fetch(url ?? '');
    expect(await response.text()).toBe('the bytes');
    if (kind !== 'emulator') {
      expect(response.headers.get('content-type')).toBe('image/png');
      expect(response.headers.get('content-disposition')).toBe(
        'attachment; filename="heat _map_.png"',
      );
    }
    await store.delete('file');
  });

  test.skipIf(kind === 'emulator')(
    'a presigned PUT takes the bytes that were signed for, and no others',
    async () => {
      const store = createS3Store(options);
      const good = Buffer.from('what was promised');
      const sha256 = createHash('sha256').update(good).digest('hex');
      const signed = await store.presignPut?.('put', { expiresSeconds: 60, bytes: 17, sha256 });
      if (signed === undefined) throw new Error('Expected S3 to presign');
      const send = (body: Buffer, headers: Record<string, string> = { ...signed.headers }) => {
        const { 'content-length': _length, ...rest } = headers;
        return fetch(signed.url, { method: 'PUT', headers: rest, body: new Uint8Array(body) });
      };
      const other = Buffer.from('what was not asked');
      expect((await send(other)).ok).toBe(false);
      const sameLength = Buffer.from('WHAT WAS PROMISED');
      expect((await send(sameLength)).ok).toBe(false);
      const itsOwn = createHash('sha256').update(sameLength).digest('base64');
      expect((await send(sameLength, { 'x-amz-checksum-sha256': itsOwn })).ok).toBe(false);
      expect((await send(sameLength, {})).ok).toBe(false);
      expect(await store.head('put')).toBeNull();
      expect((await send(good)).ok).toBe(true);
      expect((await store.get('put')).equals(good)).toBe(true);
      await store.delete('put');
    },
  );

  test('clients are sent to the public endpoint', async () => {
    const store = createS3Store({ ...options, publicEndpoint: 'https://s3.example.com' });
    const url = new URL((await store.presignGet?.('file', { expiresSeconds: 60 })) ?? '');
    expect(url.origin).toBe('https://s3.example.com');
    expect(url.searchParams.get('X-Amz-Expires')).toBe('60');
  });
});
