import { randomUUID } from 'node:crypto';
import { inject, vi } from 'vitest';

/**
 * Settings of a service that stores on the tests' S3 server, under a prefix of its own; none where there is
 * no such server, so that it stores on disk.
 */
export function s3Env(): Record<string, string> {
  const s3 = inject('s3');
  if (s3 === null) return {};
  // Credentials come from the SDK's own chain, as they do for users.
  vi.stubEnv('AWS_ACCESS_KEY_ID', s3.accessKeyId);
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', s3.secretAccessKey);
  return {
    UMBRA_STORE: 's3',
    UMBRA_S3_BUCKET: s3.bucket,
    UMBRA_S3_ENDPOINT: s3.endpoint,
    UMBRA_S3_REGION: s3.region,
    UMBRA_S3_PREFIX: `tests-${randomUUID()}/`,
  };
}
