import type { ReactNode } from 'react';
import { ServiceError } from '../api/http.js';
import { KeyForm } from './key-form.js';

/** While something is fetched: a place of its height, told to screen readers. */
export const Loading = ({ what }: { readonly what: string }) => (
  <div className="state" role="status">
    <span className="pulse" aria-hidden="true" />
    <p>Loading {what} …</p>
  </div>
);

export type EmptyProps = { readonly title: string; readonly children: ReactNode };

export const Empty = ({ title, children }: EmptyProps) => (
  <div className="state">
    <h2>{title}</h2>
    <p>{children}</p>
  </div>
);

/** Why what a button asked for did not work, beside it. */
export const FailureWords = ({ error }: { readonly error: Pick<Error, 'message'> | null }) =>
  error === null ? null : (
    <span className="bad" role="alert">
      {error.message}
    </span>
  );

export type TroubleProps = { readonly error: Error; readonly onRetry?: () => void };

/** What went wrong, and what to do about it. */
export function Trouble({ error, onRetry }: TroubleProps) {
  const code = error instanceof ServiceError ? error.code : 'internal';
  return (
    <div className="state state-trouble" role="alert">
      <h2>{titles[code] ?? 'That did not work'}</h2>
      <p>{error.message}</p>
      {code === 'unauthorized' && <KeyForm />}
      {!lasting.includes(code) && onRetry !== undefined && (
        <button type="button" className="button" onClick={onRetry}>
          Try again
        </button>
      )}
    </div>
  );
}

/** Codes of refusals that the same request would get again. */
const lasting = ['unauthorized', 'forbidden', 'not_found'];

const titles: Readonly<Record<string, string>> = {
  offline: 'The service cannot be reached',
  unauthorized: 'This service asks for a key',
  forbidden: 'This key may not do that',
  not_found: 'There is no such thing here',
  rate_limited: 'Too many requests',
  quota_exceeded: 'A quota is used up',
  unavailable: 'The service cannot do that now',
};
