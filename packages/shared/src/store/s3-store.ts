import { Readable } from 'node:stream';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { AppError, hasCode, notFound, unavailable } from '../errors.js';
import { checkStore } from './check.js';
import { assertKey } from './keys.js';
import type { ObjectStore } from './store.js';

export type S3StoreOptions = {
  readonly bucket: string;
  /** Put before every key; empty, or ends in `/`. */
  readonly prefix: string;
  readonly region: string;
  /** An S3-compatible server; AWS when left out. */
  readonly endpoint?: string;
  /** The SDK's own chain (environment, profile, role) when left out. */
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string };
};

const partBytes = 8 * 1024 * 1024;
const partsAtOnce = 4;

/** Objects in a bucket of AWS S3 or a compatible server. */
export function createS3Store(options: S3StoreOptions): ObjectStore {
  const { bucket: Bucket, prefix: root } = options;
  const client = new S3Client({
    region: options.region,
    maxAttempts: 3,
    // Many compatible servers reject checksums that they do not need.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: { connectionTimeout: 5_000, requestTimeout: 60_000 },
    ...(options.endpoint ? { endpoint: options.endpoint, forcePathStyle: true } : {}),
    ...(options.credentials ? { credentials: { ...options.credentials } } : {}),
  });
  const at = (key: string) => {
    assertKey(key);
    return { Bucket, Key: root + key };
  };
  const guarded = async <T>(operation: string, key: string, work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw translate(error, operation, Bucket, key);
    }
  };

  const store: ObjectStore = {
    kind: 's3',
    async get(key) {
      const { body } = await store.stream(key);
      return guarded('get', key, async () => Buffer.concat(await body.toArray()));
    },
    stream: (key, range) =>
      guarded('get', key, async () => {
        const Range = range ? `bytes=${range.start}-${range.end - 1}` : undefined;
        const found = await client.send(new GetObjectCommand({ ...at(key), Range }));
        if (!(found.Body instanceof Readable)) throw new Error('Expected a readable body');
        return { body: found.Body, bytes: found.ContentLength ?? 0 };
      }),
    async head(key) {
      try {
        const found = await guarded('head', key, () => client.send(new HeadObjectCommand(at(key))));
        return { key, bytes: found.ContentLength ?? 0 };
      } catch (error) {
        if (hasCode(error, 'not_found')) return null;
        throw error;
      }
    },
    async put(key, body) {
      await guarded('put', key, () =>
        client.send(new PutObjectCommand({ ...at(key), Body: body })),
      );
    },
    putStream: (key, body) =>
      guarded('put', key, async () => {
        const params = { ...at(key), Body: body };
        const upload = new Upload({ client, params, partSize: partBytes, queueSize: partsAtOnce });
        let bytes = 0;
        upload.on('httpUploadProgress', (progress) => {
          bytes = Math.max(bytes, progress.loaded ?? 0);
        });
        await upload.done();
        return { bytes };
      }),
    async delete(key) {
      await guarded('delete', key, () => client.send(new DeleteObjectCommand(at(key))));
    },
    async *list(prefix, listing) {
      let StartAfter = listing?.after === undefined ? undefined : root + listing.after;
      for (;;) {
        const page = await guarded('list', prefix, () =>
          client.send(new ListObjectsV2Command({ Bucket, Prefix: root + prefix, StartAfter })),
        );
        for (const { Key = '', Size = 0 } of page.Contents ?? []) {
          yield { key: Key.slice(root.length), bytes: Size };
        }
        // The last key and not a continuation token: tokens end with their server's process.
        StartAfter = page.Contents?.at(-1)?.Key;
        if (!page.IsTruncated || StartAfter === undefined) return;
      }
    },
    check: () => checkStore(store),
  };
  return store;
}

type SdkError = { name?: string; $metadata?: { httpStatusCode?: number } };

function translate(error: unknown, operation: string, bucket: string, key: string): unknown {
  if (hasCode(error) && error instanceof AppError) return error;
  const { name = '', $metadata } = (error ?? {}) as SdkError;
  const status = $metadata?.httpStatusCode;
  if (name === 'NoSuchKey' || name === 'NotFound') return notFound(`No object '${key}'`);
  if (status === 404 && name !== 'NoSuchBucket') return notFound(`No object '${key}'`);
  // Everything the SDK or the network says: retrying or mending the store helps, the caller cannot.
  if ($metadata !== undefined || isNetworkError(error)) {
    return unavailable(
      `S3 ${operation} in bucket '${bucket}' failed (${name || status || 'network'})`,
      error,
    );
  }
  return error;
}

function isNetworkError(error: unknown): boolean {
  const { code, name } = (error ?? {}) as { code?: unknown; name?: string };
  return (
    (typeof code === 'string' && /^E[A-Z]/.test(code)) ||
    name === 'TimeoutError' ||
    name === 'AggregateError' ||
    name === 'CredentialsProviderError'
  );
}
