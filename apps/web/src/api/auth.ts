import { useSyncExternalStore } from 'react';

/**
 * Who asks: an API key that was typed here. It is kept for this tab alone, and sent as a header; a session
 * cookie takes its place here.
 */
const storageKey = 'umbra-api-key';
const listeners = new Set<() => void>();
let key = readStored();

export const apiKey = (): string | null => key;

/** Keep a key, or forget it. */
export function setApiKey(next: string | null): void {
  key = next;
  try {
    if (next === null) sessionStorage.removeItem(storageKey);
    else sessionStorage.setItem(storageKey, next);
  } catch {
    // A browser that keeps nothing has it until the page is left.
  }
  for (const tell of listeners) tell();
}

export const useApiKey = (): string | null => useSyncExternalStore(subscribe, apiKey);

export const authHeaders = (): Record<string, string> =>
  key === null ? {} : { Authorization: `Bearer ${key}` };

function subscribe(tell: () => void): () => void {
  listeners.add(tell);
  return () => listeners.delete(tell);
}

function readStored(): string | null {
  try {
    return sessionStorage.getItem(storageKey);
  } catch {
    return null;
  }
}
