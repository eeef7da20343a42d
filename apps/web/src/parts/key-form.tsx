import { useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useId } from 'react';
import { setApiKey, useApiKey } from '../api/auth.js';

export type KeyFormProps = { readonly onDone?: () => void };

/** Takes an API key, which is kept for this tab alone. */
export function KeyForm({ onDone }: KeyFormProps) {
  const queries = useQueryClient();
  const hasKey = useApiKey() !== null;
  const id = useId();
  const keep = (key: string | null) => {
    setApiKey(key);
    onDone?.();
    // Whatever another key was told is not this one's.
    void queries.resetQueries();
  };
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const given = new FormData(event.currentTarget).get('key');
    if (typeof given === 'string' && given.trim() !== '') keep(given.trim());
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
          placeholder={hasKey ? 'another key' : 'umbra_…'}
        />
        <button type="submit" className="button button-first">
          Use key
        </button>
        {hasKey && (
          <button type="button" className="button" onClick={() => keep(null)}>
            Forget it
          </button>
        )}
      </div>
      <p className="note">It is kept in this tab, and gone when the tab is closed.</p>
    </form>
  );
}
