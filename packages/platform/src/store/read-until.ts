import type { ObjectStore } from './store.js';

/**
 * View a store whose reads end with a signal, those of bodies and lists included. What it writes and deletes is not
 * broken off.
 */
export const readUntil = (store: ObjectStore, signal: AbortSignal): ObjectStore => ({
  ...store,
  get: (key) => store.get(key, signal),
  stream: (key, range) => store.stream(key, range, signal),
  head: (key) => store.head(key, signal),
  list: (prefix, options) => store.list(prefix, { ...options, signal }),
});
