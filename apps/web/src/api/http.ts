import type { Refusal } from '@umbra/shared/contracts/dataset';
import { answer } from './source.js';

/** A field of a request, as `settings.patch.0`, and what was expected of it. */
export type FieldIssue = { readonly path: string; readonly message: string };

type ErrorDetails = {
  readonly refusals?: readonly Refusal[];
  readonly errors?: readonly FieldIssue[];
};

/** What the service refused, or that it did not answer at all. Compare `code`. */
export class ServiceError extends Error {
  /** The problem's code; `offline` where there was no answer. */
  readonly code: string;
  /** Files that were not accepted, where none was. */
  readonly refusals: readonly Refusal[];
  /** Every place where the request is not as it must be, where the service tells them. */
  readonly errors: readonly FieldIssue[];

  constructor(code: string, message: string, { refusals = [], errors = [] }: ErrorDetails = {}) {
    super(message);
    this.name = 'ServiceError';
    this.code = code;
    this.refusals = refusals;
    this.errors = errors;
  }
}

/** Ask the service. @throws {ServiceError} For every answer but one that is fine. */
export async function ask(path: string, init: RequestInit = {}): Promise<Response> {
  const response = await answer(path, init).catch((error: unknown) => {
    if (init.signal?.aborted === true) throw error;
    throw noAnswer();
  });
  if (!response.ok) throw await problemOf(response);
  return response;
}

export const noAnswer = () => new ServiceError('offline', 'The service does not answer.');

export const askJson = async <T>(path: string, init?: RequestInit): Promise<T> =>
  (await (await ask(path, init)).json()) as T;

export const post = (body?: unknown): RequestInit =>
  body === undefined
    ? { method: 'POST' }
    : {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify(body),
      };

type QueryValue = string | number | readonly string[] | undefined;

/** `?a=1&b=2` of what is given; a list is said once for each of its values. */
export function queryOf(values: Readonly<Record<string, QueryValue>>): string {
  const given = Object.entries(values).flatMap(([name, value]) =>
    (value === undefined ? [] : [value].flat()).map((one) => [name, String(one)]),
  );
  return given.length === 0 ? '' : `?${new URLSearchParams(given)}`;
}

/** Read what an answer that is not fine says. */
export async function problemOf(response: Response): Promise<ServiceError> {
  const problem = (await response.json().catch(() => ({}))) as ErrorDetails & {
    readonly code?: string;
    readonly detail?: string;
  };
  // Something between here and the service may not write problems.
  const code = problem.code ?? (response.status >= 502 ? 'offline' : 'internal');
  const message = problem.detail ?? `The service answered HTTP ${response.status}.`;
  return new ServiceError(code, message, problem);
}
