import type { components } from './generated/api.js';

/** RFC 9457 problem details, as the service writes them. */
export type Problem = components['schemas']['Problem'];

/** Thrown when the service answers with a problem, or not at all. Compare `code`. */
export class UmbraError extends Error {
  /** The problem's code; `unavailable` where there was no answer. */
  readonly code: string;
  /** null where there was no answer. */
  readonly status: number | null;
  /** What the service asks to wait before another try. */
  readonly retryAfterSeconds: number | null;
  readonly problem: Partial<Problem>;

  constructor(
    message: string,
    about: {
      readonly code: string;
      readonly status?: number;
      readonly retryAfterSeconds?: number | null;
      readonly problem?: Partial<Problem>;
      readonly cause?: unknown;
    },
  ) {
    super(message, { cause: about.cause });
    this.name = 'UmbraError';
    this.code = about.code;
    this.status = about.status ?? null;
    this.retryAfterSeconds = about.retryAfterSeconds ?? null;
    this.problem = about.problem ?? {};
  }
}

/** Too many requests, or a service that is there and cannot: not one that is not there at all. */
export const isPassing = (error: unknown): error is UmbraError =>
  error instanceof UmbraError && (error.status === 429 || error.status === 503);

/** What an answer that is not `ok` says. Something between here and the service may not write problems. */
export async function problemOf(response: Response): Promise<UmbraError> {
  const problem = (await response.json().catch(() => ({}))) as Partial<Problem>;
  return new UmbraError(problem.detail ?? problem.title ?? `HTTP ${response.status}`, {
    code: problem.code ?? 'internal',
    status: response.status,
    retryAfterSeconds: retryAfterOf(response),
    problem,
  });
}

/** Seconds, of the header's form that the service uses. */
export function retryAfterOf(response: Response): number | null {
  const header = response.headers.get('retry-after') ?? '';
  return /^\d{1,6}$/.test(header) ? Number(header) : null;
}
