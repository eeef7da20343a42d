import { ServiceError } from './http.js';

const passing: readonly string[] = ['offline', 'unavailable', 'rate_limited'];

/** Whether the same request may be answered later: not where the service refused it. */
export const mayPass = (error: Error | null): boolean =>
  !(error instanceof ServiceError) || passing.includes(error.code);

type Asked<T> = {
  readonly state: { readonly data: T | undefined; readonly error: Error | null };
};

/**
 * Interval of a query, ms: what was refused is not asked for again by itself.
 *
 * A query without data that is asked again has no error meanwhile, and what is told of the error goes: a form
 * would lose what is being typed into it.
 *
 * @param intervalOf By the data; false ends it.
 */
export const askEach =
  <T>(intervalOf: (data: T | undefined) => number | false) =>
  ({ state }: Asked<T>): number | false =>
    mayPass(state.error) ? intervalOf(state.data) : false;
