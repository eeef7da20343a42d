import { useEffect } from 'react';

/** Act on keys, by name, wherever they are pressed but in a field. */
export function useKeys(actions: Readonly<Record<string, () => void>>): void {
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      if (Object.hasOwn(actions, event.key)) actions[event.key]?.();
    };
    addEventListener('keydown', press);
    return () => removeEventListener('keydown', press);
  });
}

/** Lists that open find their choices by letters, too. */
const fields = 'input, textarea, select, [contenteditable], [role=combobox], [role=listbox]';

const isTyping = (target: EventTarget | null): boolean =>
  target instanceof Element && target.closest(fields) !== null;
