import { createWriteStream, openAsBlob } from 'node:fs';
import { rename, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import { setTimeout as sleep } from 'node:timers/promises';
import type { UmbraClient } from './client.js';
import { UmbraError } from './problem.js';
import type { NewDataset } from './types.js';

/** Breaks in a row without a single byte. */
const patience = 5;
const pauseMs = 200;

/** Make a dataset of image files, which are read as they are sent. */
export async function uploadFiles(
  client: UmbraClient,
  paths: readonly string[],
): Promise<NewDataset> {
  const images = paths.map(async (path) => ({
    name: basename(path),
    data: await openAsBlob(path),
  }));
  return client.uploadImages(await Promise.all(images));
}

export const downloadArchive = (client: UmbraClient, job: string, path: string): Promise<void> =>
  downloadFile(client, `/v1/jobs/${encodeURIComponent(job)}/archive`, path);

/** Download a job's report in one of its forms: as JSON, as a table of its images, or as one HTML file. */
export const downloadReport = (
  client: UmbraClient,
  job: string,
  path: string,
  form: 'json' | 'parquet' | 'html' = 'json',
): Promise<void> =>
  downloadFile(client, `/v1/jobs/${encodeURIComponent(job)}/report.${form}`, path);

export type DownloadOptions = {
  /** Entity tag of the file there: a `.part` of it that an earlier process left is gone on with. */
  readonly etag?: string;
  /** Told of the bytes that are here. */
  readonly onBytes?: (bytes: number) => void;
};

/**
 * Download into a file, which is there when all of it is: until then it is called `.part`.
 *
 * A download that breaks off goes on where it broke off, if the service still has the same version.
 *
 * @param from A path of the service.
 * @throws {UmbraError} If the service refuses, or breaks off five times without a byte in between.
 */
export async function downloadFile(
  client: UmbraClient,
  from: string,
  path: string,
  { etag: known, onBytes }: DownloadOptions = {},
): Promise<void> {
  const part = `${path}.part`;
  let etag: string | null = known ?? null;
  let bytes = known === undefined ? 0 : await sizeOf(part);
  for (let breaks = 0; ; ) {
    const headers =
      etag === null || bytes === 0 ? {} : { Range: `bytes=${bytes}-`, 'If-Range': etag };
    const response = await client.request(from, { headers }).catch((error: unknown) => {
      if (bytes > 0 && error instanceof UmbraError && error.status === 416) return null;
      throw error;
    });
    if (response === null) {
      // As much as there is, or more, was left here, and nothing tells of what.
      bytes = 0;
      continue;
    }
    const flags = response.status === 206 ? 'a' : 'w';
    if (flags === 'w') bytes = 0;
    etag = response.headers.get('etag');
    try {
      const body = response.body === null ? [] : Readable.fromWeb(response.body as ReadableStream);
      await pipeline(body, meter(bytes, onBytes), createWriteStream(part, { flags }));
      break;
    } catch (cause) {
      const size = await sizeOf(part);
      breaks = size > bytes ? 0 : breaks + 1;
      bytes = size;
      if (breaks >= patience) {
        const message = `Expected all of ${from}, got ${bytes} bytes`;
        throw new UmbraError(message, { code: 'unavailable', cause });
      }
      await sleep(pauseMs);
    }
  }
  await rename(part, path);
}

/** 0 where there is none. */
const sizeOf = async (path: string): Promise<number> => {
  const info = await stat(path).catch(() => null);
  return info?.size ?? 0;
};

/** @param start Bytes before those that pass. */
function meter(start: number, onBytes: DownloadOptions['onBytes']): Transform {
  let bytes = start;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      onBytes?.(bytes);
      done(null, chunk);
    },
  });
}
