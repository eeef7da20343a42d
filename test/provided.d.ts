// What the tests get from global-setup.mjs, as `inject('redisUrl')` and `inject('s3')`.
import 'vitest';

export interface ProvidedS3 {
  endpoint: string;
  accessKeyId: string;
  secretAccessKey: string;
  region: string;
  /** Exists, and is shared by all tests: keep to a prefix of your own. */
  bucket: string;
  /** An emulator checks no signature and ignores If-None-Match. */
  kind: 'given' | 'versitygw' | 'emulator';
}

declare module 'vitest' {
  interface ProvidedContext {
    /** Shared by all tests: keep to a key prefix of your own, and do not flush. */
    redisUrl: string;
    /** null when no S3 server can be had on this machine. */
    s3: ProvidedS3 | null;
  }
}
