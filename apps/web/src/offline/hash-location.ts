import { useSyncExternalStore } from 'react';
import type { BaseLocationHook } from 'wouter';

// wouter's own hook of this kind keeps what is after `?` before the `#`, and never empties it again.

let known = '/';

/** What is after the `#`; an anchor, such as that of the content, leads to no other page. */
function here(): string {
  if (location.hash.startsWith('#/')) known = location.hash.slice(1);
  return known;
}

const pathHere = (): string => here().split('?')[0] || '/';
const searchHere = (): string => here().split('?')[1] ?? '';

function subscribe(tell: () => void): () => void {
  addEventListener('hashchange', tell);
  return () => removeEventListener('hashchange', tell);
}

function navigate(to: string, { replace = false }: { readonly replace?: boolean } = {}): void {
  history[replace ? 'replaceState' : 'pushState'](null, '', `#${to}`);
  // The browser tells of those alone that it makes.
  dispatchEvent(new Event('hashchange'));
}

/** The page's path, and what is after its `?`, both after the `#` of a file's address. */
export const useHashPath: BaseLocationHook = () => [
  useSyncExternalStore(subscribe, pathHere),
  navigate,
];
useHashPath.hrefs = (href) => `#${href}`;
useHashPath.searchHook = () => useSyncExternalStore(subscribe, searchHere);
