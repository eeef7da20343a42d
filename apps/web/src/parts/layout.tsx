import { type ReactNode, useEffect, useRef, useState } from 'react';
import { Link, useLocation } from 'wouter';
import { KeyDialog } from './key-dialog.js';
import { ThemeSwitch } from './theme-switch.js';

const places = [
  { path: '/', name: 'Explain' },
  { path: '/jobs', name: 'Jobs' },
  { path: '/datasets', name: 'Datasets' },
  { path: '/models', name: 'Models' },
  { path: '/workers', name: 'Workers' },
] as const;

const isWithin = (location: string, path: string): boolean =>
  path === '/' ? location === '/' : location === path || location.startsWith(`${path}/`);

/** What surrounds every page: a link past the navigation, the navigation, and the page's landmark. */
export function Layout({ children }: { readonly children: ReactNode }) {
  const [location] = useLocation();
  const main = useFocusOn(location);
  return (
    <>
      <a className="skip" href="#main">
        Skip to the content
      </a>
      <header className="bar">
        <Link href="/" className="brand">
          <svg viewBox="0 0 32 32" aria-hidden="true">
            <circle cx="16" cy="16" r="13" fill="none" stroke="currentColor" strokeWidth="2.5" />
            <path d="M16 3a13 13 0 0 1 0 26z" fill="currentColor" />
          </svg>
          Umbra
        </Link>
        <nav aria-label="Main">
          {places.map(({ path, name }) => (
            <Link
              key={path}
              href={path}
              aria-current={isWithin(location, path) ? 'page' : undefined}
            >
              {name}
            </Link>
          ))}
        </nav>
        <div className="bar-end">
          <KeyDialog />
          <ThemeSwitch />
        </div>
      </header>
      <OfflineNotice />
      <main id="main" tabIndex={-1} ref={main}>
        {children}
      </main>
      <footer className="foot">
        <span>Umbra explains image classifiers by covering what they see.</span>
        <a href="/docs">HTTP interface</a>
        <a href="/licences.md">Licences</a>
      </footer>
    </>
  );
}

/** After a step to another page, keys and screen readers go on from its beginning. */
function useFocusOn(location: string) {
  const main = useRef<HTMLElement>(null);
  const last = useRef(location);
  useEffect(() => {
    if (last.current === location) return;
    last.current = location;
    main.current?.focus({ preventScroll: true });
    window.scrollTo(0, 0);
  }, [location]);
  return main;
}

function OfflineNotice() {
  const [isOnline, setOnline] = useState(navigator.onLine);
  useEffect(() => {
    const look = () => setOnline(navigator.onLine);
    addEventListener('online', look);
    addEventListener('offline', look);
    return () => {
      removeEventListener('online', look);
      removeEventListener('offline', look);
    };
  }, []);
  if (isOnline) return null;
  return (
    <p className="notice" role="status">
      This device is offline: what is shown may be old, and goes on when it is back.
    </p>
  );
}
