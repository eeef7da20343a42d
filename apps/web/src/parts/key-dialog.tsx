import { Dialog } from '@base-ui/react/dialog';
import { useState } from 'react';
import { useApiKey } from '../api/auth.js';
import { KeyForm } from './key-form.js';

/** Button and dialog of the key that requests are sent with. */
export function KeyDialog() {
  const [isOpen, setOpen] = useState(false);
  const hasKey = useApiKey() !== null;
  return (
    <Dialog.Root open={isOpen} onOpenChange={setOpen}>
      <Dialog.Trigger className="icon-button" aria-label={hasKey ? 'API key: in use' : 'API key'}>
        <svg viewBox="0 0 24 24" aria-hidden="true">
          <circle cx="8.5" cy="12" r="4" fill="none" stroke="currentColor" strokeWidth="1.75" />
          <path d="M12.5 12H20m-2.5 0v3.5" fill="none" stroke="currentColor" strokeWidth="1.75" />
        </svg>
        {hasKey && <span className="dot" />}
      </Dialog.Trigger>
      <Dialog.Portal>
        <Dialog.Backdrop className="backdrop" />
        <Dialog.Popup className="dialog">
          <Dialog.Title className="dialog-title">API key</Dialog.Title>
          <Dialog.Description className="note">
            A service with keys answers those who have one; <code>umbra keys create</code> makes it.
          </Dialog.Description>
          <KeyForm onDone={() => setOpen(false)} />
          <Dialog.Close className="button dialog-close">Close</Dialog.Close>
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
