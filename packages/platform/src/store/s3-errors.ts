import { hasCode, notFound, unavailable } from '@umbra/shared/errors';

type SdkError = { name?: string; $metadata?: { httpStatusCode?: number } };

/**
 * What an S3 call's failure means to us. Everything that S3, the SDK or the network says is
 * `unavailable`, but for a missing object: mending the store helps, the caller cannot.
 */
export function translateS3Error(
  error: unknown,
  operation: string,
  bucket: string,
  key: string,
): unknown {
  if (hasCode(error)) return error;
  const { name = '', $metadata } = (error ?? {}) as SdkError;
  const status = $metadata?.httpStatusCode;
  const isRead = operation === 'get' || operation === 'head';
  if (isRead && status === 404 && name !== 'NoSuchBucket') return notFound(`No object '${key}'`);
  if ($metadata !== undefined || isNetworkError(error)) {
    return unavailable(
      `S3 ${operation} in bucket '${bucket}' failed (${name || status || 'network'})`,
      error,
    );
  }
  return error;
}

/** Whether S3 says that the key is missing: an answer to HEAD has no body, and may mean the bucket. */
export const isMissingKey = (error: unknown): boolean =>
  ((error ?? {}) as SdkError).name === 'NoSuchKey';

/** Whether S3 refused a right, in an error of its own or in the cause of one of ours. */
export function isForbidden(error: unknown): boolean {
  const { $metadata, cause } = (error ?? {}) as SdkError & { cause?: unknown };
  return $metadata?.httpStatusCode === 403 || (cause !== undefined && isForbidden(cause));
}

/** True where a range starts at or beyond the object's end. */
export function isBeyondEnd(error: unknown): boolean {
  return ((error ?? {}) as SdkError).$metadata?.httpStatusCode === 416;
}

const networkErrors = new Set(['TimeoutError', 'AggregateError', 'CredentialsProviderError']);

function isNetworkError(error: unknown): boolean {
  const { code, name } = (error ?? {}) as { code?: unknown; name?: string };
  return (typeof code === 'string' && /^E[A-Z]/.test(code)) || networkErrors.has(name ?? '');
}
