import { createCache } from '@umbra/shared/cache';
import { AppError, invalidInput } from '@umbra/shared/errors';
import type { CommonConfig } from '../config.js';
import { createS3Store } from './s3-store.js';
import type { ObjectStore } from './store.js';

/** An object of the user's own, or a prefix of such objects, read where it lies. */
export type SourcePlace = { readonly bucket: string; readonly key: string };

/** Buckets that datasets may be made of, as the operator allows. */
export type SourceStores = {
  /**
   * @throws {AppError} `invalid_input` if it is no such URI; `forbidden` if the operator does not allow
   *   it, or if it lies in the service's own bucket, which the operator cannot allow.
   */
  locate(uri: string): SourcePlace;
  /** @throws {AppError} `forbidden`: what was allowed may no longer be. */
  open(place: SourcePlace): ObjectStore;
};

type SourceConfig = Pick<
  CommonConfig,
  'UMBRA_S3_SOURCES' | 'UMBRA_S3_REGION' | 'UMBRA_S3_ENDPOINT' | 'UMBRA_S3_BUCKET'
>;

/** Clients of this many buckets are held; another one costs a client, not a request. */
const maxOpenBuckets = 100;

/** Nothing is opened before it is asked for. Credentials come from the SDK's own chain. */
export function createSourceStores(config: SourceConfig): SourceStores {
  const openBuckets = createCache<ObjectStore>({ maxEntries: maxOpenBuckets });
  const {
    UMBRA_S3_SOURCES: allowed,
    UMBRA_S3_REGION: region,
    UMBRA_S3_ENDPOINT: endpoint,
  } = config;
  const assertAllowed = ({ bucket, key }: SourcePlace): void => {
    const uri = `s3://${bucket}/${key}`;
    // All buckets are reached at one endpoint: a name stands for one bucket.
    const isOwn = bucket === config.UMBRA_S3_BUCKET;
    if (!isOwn && allowed.some((prefix) => uri.startsWith(prefix))) return;
    // The list itself is the operator's.
    throw new AppError('forbidden', `${uri} is in no allowed prefix`);
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
      const known = openBuckets.get(bucket);
      if (known !== undefined) return known;
      const store = createS3Store({
        bucket,
        prefix: '',
        region,
        ...(endpoint ? { endpoint } : {}),
      });
      openBuckets.set(bucket, store);
      return store;
    },
  };
}
