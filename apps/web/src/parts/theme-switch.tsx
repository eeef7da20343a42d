import { useEffect, useState } from 'react';

type Theme = 'light' | 'dark';
const storageKey = 'umbra-theme';
const prefersDark = () => matchMedia('(prefers-color-scheme: dark)').matches;

/** Switches between light and dark, and keeps the choice in this browser. */
export function ThemeSwitch() {
  const [theme, setTheme] = useState<Theme>(() => {
    const chosen = document.documentElement.dataset.theme;
    return (chosen ?? (prefersDark() ? 'dark' : 'light')) === 'dark' ? 'dark' : 'light';
  });
  const [isChosen, setChosen] = useState(false);
  useEffect(() => {
    if (!isChosen) return;
    document.documentElement.dataset.theme = theme;
    try {
      localStorage.setItem(storageKey, theme);
    } catch {
      // A browser that keeps nothing has it until the page is left.
    }
  }, [theme, isChosen]);
  const other = theme === 'dark' ? 'light' : 'dark';
  return (
    <button
      type="button"
      className="icon-button"
      aria-label={`Switch to the ${other} theme`}
      onClick={() => {
        setChosen(true);
        setTheme(other);
      }}
    >
      <svg viewBox="0 0 24 24" aria-hidden="true">
        <circle cx="12" cy="12" r="8" fill="none" stroke="currentColor" strokeWidth="1.75" />
        <path d="M12 4a8 8 0 0 1 0 16z" fill="currentColor" />
      </svg>
    </button>
  );
}
