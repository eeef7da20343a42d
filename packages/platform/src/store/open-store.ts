import { invalidInput } from '@umbra/shared/errors';
import type { CommonConfig } from '../config.js';
import type { FsRootOptions } from './fs-root.js';
import { createFsStore } from './fs-store.js';
import { createS3Store } from './s3-store.js';
import type { ObjectStore } from './store.js';

/**
 * @param options When the folder of an `fs` store may be made; always unless given.
 * @throws {AppError} `invalid_input` if S3 is asked for without a bucket.
 */
export function openStore(config: CommonConfig, options: FsRootOptions = {}): ObjectStore {
  if (config.UMBRA_STORE === 'fs') return createFsStore(config.UMBRA_STORE_DIR, options);
  if (config.UMBRA_S3_BUCKET === undefined) {
    throw invalidInput('Expected UMBRA_S3_BUCKET to be set when UMBRA_STORE is s3');
  }
  return createS3Store({
    bucket: config.UMBRA_S3_BUCKET,
    prefix: config.UMBRA_S3_PREFIX,
    region: config.UMBRA_S3_REGION,
    ...(config.UMBRA_S3_PUBLIC_ENDPOINT ? { publicEndpoint: config.UMBRA_S3_PUBLIC_ENDPOINT } : {}),
    ...(config.UMBRA_S3_ENDPOINT ? { endpoint: config.UMBRA_S3_ENDPOINT } : {}),
  });
}
