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
    <Frame bar={bar} notice={<OfflineNotice />} foot={foot}>
      {children}
    </Frame>
  );
}

function OfflineNotice() {
  const isOnline = useSyncExternalStore(hearNetwork, () => navigator.onLine);
  const isAnswered = useIsAnswered();
  if (isOnline && isAnswered) return null;
  return (
    <p className="notice" role="status">
      {isOnline ? 'The service does not answer' : 'This device is offline'}: what is shown may be
      old, and goes on when it is back.
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

/** Whether the service answered all that is shown and was asked for again; asks anew where it did not. */
function useIsAnswered(): boolean {
  const queries = useQueryClient();
  const hear = useCallback(
    (tell: () => void) => queries.getQueryCache().subscribe(notifyManager.batchCalls(tell)),
    [queries],
  );
  const isAnswered = useSyncExternalStore(
    hear,
    () => !queries.getQueryCache().getAll().some(isOld),
  );
  useEffect(() => {
    if (isAnswered) return;
    const ask = () => void queries.refetchQueries({ predicate: isOld });
    const timer = setInterval(ask, againMs);
    return () => clearInterval(timer);
  }, [queries, isAnswered]);
  return isAnswered;
}

const againMs = 5_000;

/** Whether a query has data from before the service was silent. Lists of pages say so themselves, at their end. */
const isOld = (query: Query): boolean => {
  const { data, error } = query.state;
  const isSilent = error instanceof ServiceError && error.code === 'offline';
  return isSilent && data !== undefined && !isOfPages(data) && query.isActive();
};

const isOfPages = (data: unknown): boolean =>
  typeof data === 'object' && data !== null && 'pageParams' in data;
