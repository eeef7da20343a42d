// Values that global-setup.mjs provides to the tests, as `inject('redisUrl')` and `inject('s3')`.
import 'vitest';

export interface ProvidedS3 {
  endpoint: string;
  accessKeyId: string;
  secretAccessKey: string;
  region: string;
  /** An existing bucket, shared by all tests: use a prefix of your own. */
  bucket: string;
  /** Another one, of users: the service's own is no source. */
  sourceBucket: string;
  /** An emulator checks no signatures and ignores If-None-Match. */
  kind: 'given' | 'versitygw' | 'emulator';
}

declare module 'vitest' {
  interface ProvidedContext {
    /** Shared by all tests: use a key prefix of your own, and do not flush. */
    redisUrl: string;
    /** null if no S3 server is available on this machine. */
    s3: ProvidedS3 | null;
  }
}
