import { type ReactNode, useEffect, useState } from 'react';
import { Link, useLocation } from 'wouter';
import { Frame } from './frame.js';
import { KeyDialog } from './key-dialog.js';
import { ThemeSwitch } from './theme-switch.js';

const places = [
  { path: '/', name: 'Explain', within: /^\/$/ },
  { path: '/jobs', name: 'Jobs', within: /^\/(jobs|compare)(\/|$)/ },
  { path: '/datasets', name: 'Datasets', within: /^\/datasets(\/|$)/ },
  { path: '/models', name: 'Models', within: /^\/models(\/|$)/ },
  { path: '/workers', name: 'Workers', within: /^\/workers(\/|$)/ },
] as const;

/** The service's pages: what leads to each of them, and who is logged in. */
export function Layout({ children }: { readonly children: ReactNode }) {
  const [location] = useLocation();
  const bar = (
    <>
      <nav aria-label="Main">
        {places.map(({ path, name, within }) => (
          <Link key={path} href={path} aria-current={within.test(location) ? 'page' : undefined}>
            {name}
          </Link>
        ))}
      </nav>
      <div className="bar-end">
        <KeyDialog />
        <ThemeSwitch />
      </div>
    </>
  );
  const foot = (
    <>
      <a href="/docs">HTTP interface</a>
      <a href="/licences.md">Licences</a>
    </>
  );
  return (
    <Frame bar={bar} notice={<OfflineNotice />} foot={foot}>
      {children}
    </Frame>
  );
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
