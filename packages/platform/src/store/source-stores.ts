import { AppError, invalidInput } from '@umbra/shared/errors';
import type { CommonConfig } from '../config.js';
import { createS3Store } from './s3-store.js';
import type { ObjectStore } from './store.js';

/** An object of the user's own, read where it lies. */
export type SourcePlace = { readonly bucket: string; readonly key: string };

/** Buckets that datasets may be made of, as the operator allows. */
export type SourceStores = {
  /** @throws {AppError} `invalid_input` if it is no such URI; `forbidden` if the operator does not allow it. */
  locate(uri: string): SourcePlace;
  /** @throws {AppError} `forbidden`: what was allowed may no longer be. */
  open(place: SourcePlace): ObjectStore;
};

type SourceConfig = Pick<
  CommonConfig,
  | 'UMBRA_S3_SOURCES'
  | 'UMBRA_S3_REGION'
  | 'UMBRA_S3_ENDPOINT'
  | 'UMBRA_S3_BUCKET'
  | 'UMBRA_S3_PREFIX'
>;

/** Where the service keeps its own objects, which are no source, whatever the operator allows. */
const ownFolders = /^(tenants|api-keys|models|active|ingests|retention)\//;

/** Nothing is opened before it is asked for. Credentials come from the SDK's own chain. */
export function createSourceStores(config: SourceConfig): SourceStores {
  const opened = new Map<string, ObjectStore>();
  const {
    UMBRA_S3_SOURCES: allowed,
    UMBRA_S3_REGION: region,
    UMBRA_S3_ENDPOINT: endpoint,
  } = config;
  const isOwn = ({ bucket, key }: SourcePlace): boolean =>
    bucket === config.UMBRA_S3_BUCKET &&
    key.startsWith(config.UMBRA_S3_PREFIX) &&
    ownFolders.test(key.slice(config.UMBRA_S3_PREFIX.length));
  const assertAllowed = (place: SourcePlace): void => {
    const { bucket, key } = place;
    const uri = `s3://${bucket}/${key}`;
    if (!isOwn(place) && allowed.some((prefix) => uri.startsWith(prefix))) return;
    // The list itself is the operator's.
    throw new AppError('forbidden', `s3://${bucket}/${key} is in no allowed prefix`);
  };
  return {
    locate(uri) {
      const [, bucket, key] = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])\/(.*)$/su.exec(uri) ?? [];
      if (bucket === undefined || key === undefined) {
        throw invalidInput(`Expected s3://bucket/key, got '${uri.slice(0, 200)}'`);
      }
      const place = { bucket, key };
      assertAllowed(place);
      return place;
    },
    open(place) {
      assertAllowed(place);
      const { bucket } = place;
      const store =
        opened.get(bucket) ??
        createS3Store({ bucket, prefix: '', region, ...(endpoint ? { endpoint } : {}) });
      opened.set(bucket, store);
      return store;
    },
  };
}
