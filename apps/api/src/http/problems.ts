import { randomUUID } from 'node:crypto';
import { isOutage } from '@umbra/platform/faults';
import type { Logger } from '@umbra/platform/telemetry/logger';
import type { Refusal } from '@umbra/shared/contracts/dataset';
import {
  AppError,
  type ErrorCode,
  errorCodes,
  hasCode,
  reportError,
  unavailable,
} from '@umbra/shared/errors';
import { escapeHidden } from '@umbra/shared/visible-text';
import type { ErrorRequestHandler, Request, Response } from 'express';
import { z } from 'zod';
import { discardRest } from './discard.js';

/** An error that adds members or headers to its problem details. */
export class ProblemError extends AppError {
  readonly extra: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    code: ErrorCode,
    message: string,
    extra: { refusals?: readonly Refusal[]; headers?: Record<string, string> } = {},
  ) {
    super(code, message);
    const { headers = {}, ...rest } = extra;
    this.extra = rest;
    this.headers = headers;
  }
}

/** Statuses of bodies that are not read to their end: the connection is closed after the answer. */
const closingStatuses = new Set<number>([408, 413]);
const retryAfterSeconds = '2';

/** Answers every thrown value with RFC 9457 problem details; unknown errors without their message. */
export function problemHandler(logger: Logger): ErrorRequestHandler {
  return (thrown, request, response, next) => {
    if (response.closed) {
      // The client left, and what broke off with it is no fault of this service.
      logger.info({ path: request.path, reason: messageOf(thrown) }, 'client left');
      return;
    }
    if (response.headersSent) {
      // Too late for an answer: closing the connection shows the client that the body is incomplete.
      logger.warn({ path: request.path, reason: messageOf(thrown) }, 'response cut off');
      return next(thrown);
    }
    const error = toAppError(thrown);
    const requestId = randomUUID();
    if (error.code === 'internal') {
      logger.error({ requestId, path: request.path, err: thrown }, 'request failed');
    }
    sendProblem(request, response, error, { requestId, ...issuesOf(thrown) });
  };
}

function sendProblem(
  request: Request,
  response: Response,
  error: AppError,
  extra: Record<string, unknown>,
): void {
  const { status, title } = errorCodes[error.code];
  if (error instanceof ProblemError) response.set(error.headers);
  response.removeHeader('ETag');
  response.set('Cache-Control', 'no-store');
  if (status === 503) response.set('Retry-After', retryAfterSeconds);
  if (!request.complete) {
    if (closingStatuses.has(status)) response.set('Connection', 'close');
    else discardRest(request);
  }
  const detail =
    error.code === 'internal' ? 'An unexpected error; the log has it' : reportError(error).message;
  response
    .status(status)
    .type('application/problem+json')
    .send(
      JSON.stringify({
        type: `urn:umbra:problem:${error.code}`,
        title,
        status,
        detail,
        instance: request.originalUrl,
        code: error.code,
        ...extra,
        ...(error instanceof ProblemError ? error.extra : {}),
      }),
    );
}

function toAppError(thrown: unknown): AppError {
  if (thrown instanceof AppError) return thrown;
  if (hasCode(thrown)) return new AppError(thrown.code, thrown.message);
  if (thrown instanceof z.ZodError) return new AppError('invalid_input', zodDetail(thrown));
  const { type, status } = (thrown ?? {}) as { type?: string; status?: number };
  if (type === 'entity.too.large')
    return new AppError('too_large', 'The request body is too large');
  if (type === 'entity.parse.failed') {
    return new AppError('invalid_input', 'Expected the body to be valid JSON');
  }
  if (isOutage(thrown)) return unavailable('The queue (Redis) cannot be reached');
  // Express's own error for a request that it cannot parse, such as a malformed path.
  if (status !== undefined && status >= 400 && status < 500) {
    return new AppError('invalid_input', messageOf(thrown));
  }
  return new AppError('internal', messageOf(thrown), { cause: thrown });
}

function zodDetail(error: z.ZodError): string {
  return error.issues
    .slice(0, 5)
    .map(({ path, message }) => (path.length > 0 ? `${path.join('.')}: ${message}` : message))
    .join('; ');
}

function issuesOf(thrown: unknown): Record<string, unknown> {
  if (!(thrown instanceof z.ZodError)) return {};
  return {
    errors: thrown.issues.map(({ path, message }) => ({
      path: escapeHidden(path.join('.')),
      message: escapeHidden(message),
    })),
  };
}

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);
