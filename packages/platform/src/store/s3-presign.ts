import { GetObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { unavailable } from '@umbra/shared/errors';
import type { ObjectStore } from './store.js';

type S3Location = { readonly Bucket: string; readonly Key: string };

/**
 * URLs that let a client read or write one object without keys of its own.
 *
 * What is to be written is bound by signed headers: S3 refuses a body of another length, or of
 * another SHA-256.
 *
 * @param client Its endpoint is the one that clients reach.
 */
export function createPresigner(
  client: S3Client,
  at: (key: string) => S3Location,
): Required<Pick<ObjectStore, 'presignGet' | 'presignPut'>> {
  const signing = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      // Nothing is sent: all that can fail is finding credentials.
      throw unavailable('The URL cannot be signed: no credentials for S3', error);
    }
  };
  return {
    async presignGet(key, { expiresSeconds, fileName, mediaType }) {
      const command = new GetObjectCommand({
        ...at(key),
        ...(mediaType === undefined ? {} : { ResponseContentType: mediaType }),
        ...(fileName === undefined
          ? {}
          : { ResponseContentDisposition: `attachment; filename="${asciiName(fileName)}"` }),
      });
      return signing(() => getSignedUrl(client, command, { expiresIn: expiresSeconds }));
    },
    async presignPut(key, { expiresSeconds, bytes, sha256 }) {
      const checksum = Buffer.from(sha256, 'hex').toString('base64');
      const command = new PutObjectCommand({
        ...at(key),
        ContentLength: bytes,
        ChecksumSHA256: checksum,
      });
      const url = await signing(() =>
        getSignedUrl(client, command, {
          expiresIn: expiresSeconds,
          signableHeaders: new Set(['host', 'content-length', checksumHeader]),
          // In the query it would be a part of the name only, and bind nothing.
          unhoistableHeaders: new Set([checksumHeader]),
        }),
      );
      return { url, headers: { 'content-length': String(bytes), [checksumHeader]: checksum } };
    },
  };
}

const checksumHeader = 'x-amz-checksum-sha256';

const asciiName = (name: string): string => name.replaceAll(/[^\w. -]/g, '_');
