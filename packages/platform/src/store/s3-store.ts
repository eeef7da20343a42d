import { Readable } from 'node:stream';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { hasCode } from '@umbra/shared/errors';
import { assertPrefix, assertRange } from './arguments.js';
import { checkStore } from './check.js';
import { endWith } from './end-with.js';
import { assertKey } from './keys.js';
import { createBucketCheck } from './s3-bucket.js';
import { isBeyondEnd, isMissingKey, translateS3Error } from './s3-errors.js';
import { createPresigner } from './s3-presign.js';
import { createUnfinishedUploads, timeOf } from './s3-unfinished.js';
import type { ObjectStore } from './store.js';

export type S3StoreOptions = {
  readonly bucket: string;
  /** Put before every key; empty, or ends in `/`. */
  readonly prefix: string;
  readonly region: string;
  /** An S3-compatible server; AWS when left out. */
  readonly endpoint?: string;
  /** Address under which clients reach the server, for presigned URLs; `endpoint` when left out. */
  readonly publicEndpoint?: string;
  /** The SDK's own chain (environment, profile, role) when left out. */
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string };
};

const partBytes = 8 * 1024 * 1024;
const partsAtOnce = 4;

/** Objects in a bucket of AWS S3 or a compatible server. */
export function createS3Store(options: S3StoreOptions): ObjectStore {
  const { bucket: Bucket, prefix: root } = options;
  const client = openClient(options, options.endpoint);
  const at = (key: string) => {
    assertKey(key);
    return { Bucket, Key: root + key };
  };
  const guarded = async <T>(operation: string, key: string, work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      const meant = translateS3Error(error, operation, Bucket, key);
      if (hasCode(meant, 'not_found') && !isMissingKey(error)) await assertBucket();
      throw meant;
    }
  };

  const assertBucket = createBucketCheck(() =>
    guarded('bucket check', '', () => client.send(new HeadBucketCommand({ Bucket }))),
  );

  const store: ObjectStore = {
    kind: 's3',
    async get(key, signal) {
      const { body } = await store.stream(key, undefined, signal);
      return guarded('get', key, async () => {
        try {
          return Buffer.concat(await body.toArray());
        } catch (error) {
          signal?.throwIfAborted();
          throw error;
        }
      });
    },
    stream: (key, range, signal) =>
      guarded('get', key, async () => {
        assertRange(range);
        const Range = range ? `bytes=${range.start}-${range.end - 1}` : undefined;
        try {
          const command = new GetObjectCommand({ ...at(key), Range });
          const found = await client.send(command, abortedBy(signal));
          if (!(found.Body instanceof Readable)) throw new Error('Expected a readable body');
          return endWith(signal, { body: found.Body, bytes: lengthOf(found) });
        } catch (error) {
          signal?.throwIfAborted();
          if (isBeyondEnd(error)) return { body: Readable.from([]), bytes: 0 };
          throw error;
        }
      }),
    async head(key, signal) {
      try {
        const found = await guarded('head', key, () =>
          client.send(new HeadObjectCommand(at(key)), abortedBy(signal)),
        );
        return { key, bytes: lengthOf(found), modifiedMs: timeOf(found.LastModified) };
      } catch (error) {
        signal?.throwIfAborted();
        if (hasCode(error, 'not_found')) return null;
        throw error;
      }
    },
    async put(key, body) {
      await guarded('put', key, () =>
        client.send(new PutObjectCommand({ ...at(key), Body: Buffer.from(body) })),
      );
    },
    async putStream(key, body) {
      const source = meter(body);
      const params = { ...at(key), Body: source.stream };
      const upload = new Upload({ client, params, partSize: partBytes, queueSize: partsAtOnce });
      try {
        await guarded('put', key, () => upload.done());
        return { bytes: source.bytes() };
      } catch (error) {
        throw source.failure()?.error ?? error;
      } finally {
        source.stream.destroy();
        body.destroy();
      }
    },
    async delete(key) {
      await guarded('delete', key, () => client.send(new DeleteObjectCommand(at(key))));
    },
    async *list(prefix, listing) {
      assertPrefix(prefix);
      let StartAfter = listing?.after === undefined ? undefined : root + listing.after;
      for (;;) {
        const command = new ListObjectsV2Command({ Bucket, Prefix: root + prefix, StartAfter });
        const page = await guarded('list', prefix, () =>
          client.send(command, abortedBy(listing?.signal)),
        ).catch((error: unknown) => {
          listing?.signal?.throwIfAborted();
          throw error;
        });
        for (const { Key = '', Size = 0, LastModified } of page.Contents ?? []) {
          const modifiedMs = timeOf(LastModified);
          yield { key: Key.slice(root.length), bytes: Size, modifiedMs };
        }
        // The last key and not a continuation token: tokens end with their server's process.
        StartAfter = page.Contents?.at(-1)?.Key;
        if (!page.IsTruncated || StartAfter === undefined) return;
      }
    },
    ...createUnfinishedUploads(client, { Bucket, root }, guarded),
    check: () => checkStore(store),
    ...createPresigner(openClient(options, options.publicEndpoint ?? options.endpoint), at),
  };
  return store;
}

function openClient(options: S3StoreOptions, endpoint: string | undefined): S3Client {
  return new S3Client({
    region: options.region,
    maxAttempts: 3,
    // Many compatible servers reject checksums that they do not need.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    // Of silence, whichever way bytes flow: `requestTimeout` would only warn.
    requestHandler: { connectionTimeout: 5_000, socketTimeout: 60_000 },
    ...(endpoint ? { endpoint, forcePathStyle: true } : {}),
    ...(options.credentials ? { credentials: { ...options.credentials } } : {}),
  });
}

const abortedBy = (signal: AbortSignal | undefined) =>
  signal === undefined ? {} : { abortSignal: signal };

/** Count a stream's bytes, and remember its own error, to tell it from the store's. */
function meter(source: Readable) {
  let bytes = 0;
  let failure: { readonly error: unknown } | undefined;
  async function* chunks(): AsyncGenerator<Buffer> {
    let isHandedOn = false;
    try {
      for await (const chunk of source) {
        const buffer = Buffer.from(chunk);
        bytes += buffer.length;
        isHandedOn = true;
        yield buffer;
        isHandedOn = false;
      }
    } catch (error) {
      // Errors thrown in at the yield are the reader's.
      if (!isHandedOn) failure = { error };
      throw error;
    }
  }
  return { stream: Readable.from(chunks()), bytes: () => bytes, failure: () => failure };
}

/** The size that S3 gives with an object. @throws {Error} If it gives none: a size is not invented. */
function lengthOf({ ContentLength }: { readonly ContentLength?: number | undefined }): number {
  if (ContentLength === undefined) throw new Error('Expected S3 to give the length of an object');
  return ContentLength;
}
