import { escapeHiddenLines } from './visible-text.js';

/**
 * The taxonomy of everything that can go wrong, shared by every process.
 *
 * Compare `code`, never classes: errors cross process and queue boundaries as JSON.
 */
export const errorCodes = {
  invalid_input: { status: 400, retryable: false, title: 'Invalid input' },
  unauthorized: { status: 401, retryable: false, title: 'Unauthorized' },
  forbidden: { status: 403, retryable: false, title: 'Forbidden' },
  too_large: { status: 413, retryable: false, title: 'Too large' },
  unsupported_media_type: { status: 415, retryable: false, title: 'Unsupported media type' },
  method_not_allowed: { status: 405, retryable: false, title: 'Method not allowed' },
  not_found: { status: 404, retryable: false, title: 'Not found' },
  /** The body came too slowly, or stopped. */
  request_timeout: { status: 408, retryable: false, title: 'Request timeout' },
  conflict: { status: 409, retryable: false, title: 'Conflict' },
  range_not_satisfiable: { status: 416, retryable: false, title: 'Range not satisfiable' },
  unprocessable: { status: 422, retryable: false, title: 'Unprocessable' },
  /** An image that ended the processes that ran it, or a model at which processes end. */
  poison: { status: 422, retryable: false, title: 'Ends its process' },
  /** Worth another try once the time that `Retry-After` gives is over. */
  rate_limited: { status: 429, retryable: false, title: 'Too many requests' },
  /** Worth another try once something was deleted or has ended, and so not by itself. */
  quota_exceeded: { status: 429, retryable: false, title: 'Quota exceeded' },
  integrity: { status: 500, retryable: false, title: 'Integrity check failed' },
  unavailable: { status: 503, retryable: true, title: 'Temporarily unavailable' },
  deadline_exceeded: { status: 504, retryable: false, title: 'Deadline exceeded' },
  cancelled: { status: 409, retryable: false, title: 'Cancelled' },
  internal: { status: 500, retryable: true, title: 'Internal error' },
} as const;

export type ErrorCode = keyof typeof errorCodes;

/** What is stored or sent of an error: no stack, no secrets. */
export type ErrorReport = { readonly code: ErrorCode; readonly message: string };

/** An error whose cause is known; anything else is a bug or a passing fault, and is `internal`. */
export class AppError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'AppError';
    this.code = code;
  }

  get retryable(): boolean {
    return errorCodes[this.code].retryable;
  }
}

export const invalidInput = (message: string, cause?: unknown): AppError =>
  new AppError('invalid_input', message, { cause });
export const notFound = (message: string): AppError => new AppError('not_found', message);
export const integrity = (message: string, cause?: unknown): AppError =>
  new AppError('integrity', message, { cause });
export const unavailable = (message: string, cause?: unknown): AppError =>
  new AppError('unavailable', message, { cause });

/** True for an `AppError` of any copy of this package, and for its JSON form. */
export function hasCode(error: unknown, code?: ErrorCode): error is { code: ErrorCode } & Error {
  if (typeof error !== 'object' || error === null || !('code' in error)) return false;
  const found = (error as { code: unknown }).code;
  return code === undefined
    ? typeof found === 'string' && Object.hasOwn(errorCodes, found)
    : found === code;
}

/** Whether trying again may help: what is known only as a fault that passes, or is not known at all. */
export const isRetryable = (error: unknown): boolean =>
  !hasCode(error) || errorCodes[error.code].retryable;

/** Reduce any thrown value to what may be shown to a user. Unknown errors keep only their message. */
export function reportError(error: unknown): ErrorReport {
  // A name in it must not change how the rest is shown.
  const message = escapeHiddenLines(error instanceof Error ? error.message : String(error));
  return { code: hasCode(error) ? error.code : 'internal', message };
}
