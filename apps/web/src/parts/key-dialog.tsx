import { Dialog } from '@base-ui/react/dialog';
import { useState } from 'react';
import { type PageIdentity, useIdentity } from '../api/auth.js';
import { KeyForm } from './key-form.js';

/** Button and dialog to log in with a key, and to see whose it is. */
export function KeyDialog() {
  const [isOpen, setOpen] = useState(false);
  const identity = useIdentity();
  const isLoggedIn = identity?.authentication === 'session';
  return (
    <Dialog.Root open={isOpen} onOpenChange={setOpen}>
      <Dialog.Trigger
        className="icon-button"
        aria-label={isLoggedIn ? `Logged in as ${identity.tenant}` : 'Log in'}
      >
        <svg viewBox="0 0 24 24" aria-hidden="true">
          <circle cx="8.5" cy="12" r="4" fill="none" stroke="currentColor" strokeWidth="1.75" />
          <path d="M12.5 12H20m-2.5 0v3.5" fill="none" stroke="currentColor" strokeWidth="1.75" />
        </svg>
        {isLoggedIn && <span className="dot" />}
      </Dialog.Trigger>
      <Dialog.Portal>
        <Dialog.Backdrop className="backdrop" />
        <Dialog.Popup className="dialog">
          <Dialog.Title className="dialog-title">API key</Dialog.Title>
          <Dialog.Description className="note">{wordsOf(identity)}</Dialog.Description>
          <KeyForm onDone={() => setOpen(false)} />
          <Dialog.Close className="button dialog-close">Close</Dialog.Close>
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

function wordsOf(identity: PageIdentity | null): string {
  if (identity?.authentication === 'none') return 'This service asks for no key.';
  if (identity === null) {
    return 'A service with keys answers those who have one; `umbra keys create` makes it.';
  }
  return `You are logged in as tenant ${identity.tenant}.`;
}
