import {
  AbortMultipartUploadCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { integrity } from '@umbra/shared/errors';
import { serviceFolders } from './key-layout.js';
import type { ObjectStore, UnfinishedWrite } from './store.js';

type Guarded = <T>(operation: string, key: string, work: () => Promise<T>) => Promise<T>;
type Place = { readonly Bucket: string; readonly root: string };

/**
 * Multipart uploads of the service that have not ended. The bucket may hold others: only keys in the
 * service's folders are its own.
 */
export function createUnfinishedUploads(
  client: S3Client,
  { Bucket, root }: Place,
  guarded: Guarded,
): Pick<ObjectStore, 'listUnfinished' | 'abortUnfinished'> {
  const isOwn = (key: string) =>
    serviceFolders.some((folder) => key.startsWith(folder, root.length)) && key.startsWith(root);

  /** When the last part came: an upload of many parts begins long before. */
  const lastPartMs = async (Key: string, UploadId: string): Promise<number> => {
    let last = 0;
    let PartNumberMarker: string | undefined;
    for (;;) {
      const page = await client.send(
        new ListPartsCommand({ Bucket, Key, UploadId, PartNumberMarker }),
      );
      for (const { LastModified } of page.Parts ?? []) {
        last = Math.max(last, LastModified?.getTime() ?? 0);
      }
      if (!page.IsTruncated || page.NextPartNumberMarker === undefined) return last;
      PartNumberMarker = page.NextPartNumberMarker;
    }
  };

  async function* listUnfinished(beforeMs: number): AsyncGenerator<UnfinishedWrite> {
    let KeyMarker: string | undefined;
    let UploadIdMarker: string | undefined;
    for (;;) {
      const page = await guarded('list uploads', '', () =>
        client.send(
          new ListMultipartUploadsCommand({ Bucket, Prefix: root, KeyMarker, UploadIdMarker }),
        ),
      );
      for (const { Key = '', UploadId = '', Initiated } of page.Uploads ?? []) {
        if (!isOwn(Key) || timeOf(Initiated) >= beforeMs) continue;
        const parts = await guarded('list parts', Key, () =>
          nullWhenEnded(lastPartMs(Key, UploadId)),
        );
        if (parts === null) continue;
        const activeMs = Math.max(parts, timeOf(Initiated));
        if (activeMs < beforeMs) yield { id: `${UploadId} ${Key}`, activeMs };
      }
      ({ NextKeyMarker: KeyMarker, NextUploadIdMarker: UploadIdMarker } = page);
      if (!page.IsTruncated || KeyMarker === undefined) return;
    }
  }

  return {
    listUnfinished,
    async abortUnfinished({ id }) {
      const [UploadId, ...rest] = id.split(' ');
      const Key = rest.join(' ');
      if (!isOwn(Key)) throw integrity(`Expected an upload of the service, got '${Key}'`);
      await guarded('abort upload', Key, () =>
        nullWhenEnded(client.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId }))),
      );
    },
  };
}

/** An upload that ended meanwhile is none. */
const nullWhenEnded = <T>(work: Promise<T>): Promise<T | null> =>
  work.catch((error: unknown) => {
    if (error instanceof Error && error.name === 'NoSuchUpload') return null;
    throw error;
  });

/** A time that S3 gives with each answer. @throws {Error} If it gives none: a time is not invented. */
export function timeOf(time: Date | undefined): number {
  if (time === undefined) throw new Error('Expected S3 to give the time of an object');
  return time.getTime();
}
