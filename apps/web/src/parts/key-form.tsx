import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useId } from 'react';
import { logIn, logOut, useIdentity } from '../api/auth.js';

export type KeyFormProps = { readonly onDone?: () => void };

/** Logs in with an API key, of which the service makes a session, and out. */
export function KeyForm({ onDone }: KeyFormProps) {
  const queries = useQueryClient();
  const isLoggedIn = useIdentity()?.authentication === 'session';
  const id = useId();
  const { mutate, error, isPending } = useMutation({
    mutationFn: async (key: string | null) => {
      if (key === null) await logOut();
      else await logIn(key);
    },
    onSuccess() {
      onDone?.();
      // Whatever another key was told is not this one's.
      void queries.resetQueries();
    },
  });
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const given = new FormData(event.currentTarget).get('key');
    if (typeof given === 'string' && given.trim() !== '') mutate(given.trim());
  };
  return (
    <form className="key-form" onSubmit={submit}>
      <label htmlFor={id}>API key</label>
      <div className="row">
        <input
          id={id}
          name="key"
          type="password"
          autoComplete="off"
          spellCheck={false}
          placeholder={isLoggedIn ? 'another key' : 'umbra_…'}
        />
        <button type="submit" className="button button-first" disabled={isPending}>
          Log in
        </button>
        {isLoggedIn && (
          <button type="button" className="button" onClick={() => mutate(null)}>
            Log out
          </button>
        )}
      </div>
      {error !== null && (
        <p className="bad" role="alert">
          {error.message}
        </p>
      )}
      <p className="note">The key is not kept: the service makes a session of it.</p>
    </form>
  );
}
