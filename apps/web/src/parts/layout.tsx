import { notifyManager, type Query, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useCallback, useEffect, useSyncExternalStore } from 'react';
import { Link, useLocation } from 'wouter';
import { ServiceError } from '../api/http.js';
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
    <Frame bar={bar} notice={<OldNotice />} foot={foot}>
      {children}
    </Frame>
  );
}

function OldNotice() {
  const isOnline = useSyncExternalStore(hearNetwork, () => navigator.onLine);
  const refusal = useRefusal();
  if (isOnline && refusal === null) return null;
  return (
    <p className="notice" role="status">
      {isOnline && refusal === 'unauthorized'
        ? 'Nobody is logged in any more: what is shown is old.'
        : `${isOnline ? 'The service does not answer' : 'This device is offline'}: what is shown may be old, and goes on when it is back.`}
    </p>
  );
}

function hearNetwork(tell: () => void): () => void {
  addEventListener('online', tell);
  addEventListener('offline', tell);
  return () => {
    removeEventListener('online', tell);
    removeEventListener('offline', tell);
  };
}

type Silence = 'offline' | 'unauthorized';

/** Why something that is shown could not be brought up to date; null where all of it could. Silence is asked again. */
function useRefusal(): Silence | null {
  const queries = useQueryClient();
  const hear = useCallback(
    (tell: () => void) => queries.getQueryCache().subscribe(notifyManager.batchCalls(tell)),
    [queries],
  );
  const refusal = useSyncExternalStore(hear, () => {
    const all = queries.getQueryCache().getAll().map(refusalOf);
    return all.find((one) => one !== null) ?? null;
  });
  useEffect(() => {
    if (refusal !== 'offline') return;
    const ask = () =>
      void queries.refetchQueries({ predicate: (query) => refusalOf(query) === 'offline' });
    const timer = setInterval(ask, againMs);
    return () => clearInterval(timer);
  }, [queries, refusal]);
  return refusal;
}

const againMs = 5_000;

/** Why a query has data from before. Lists of pages say so themselves, at their end. */
function refusalOf(query: Query): Silence | null {
  const { data, error } = query.state;
  if (!(error instanceof ServiceError) || data === undefined || isOfPages(data)) return null;
  if (error.code !== 'offline' && error.code !== 'unauthorized') return null;
  return query.isActive() ? error.code : null;
}

const isOfPages = (data: unknown): boolean =>
  typeof data === 'object' && data !== null && 'pageParams' in data;
