import { readUntil } from '@umbra/platform/store/read-until';
import type { ApiServices } from '../services.js';
import type { Caller } from './operation.js';

/**
 * Give a caller services whose reads of stores end once it left: a store that does not answer then holds none of the
 * places that the caller has. What is shared with others, as caches are, must not be read by them.
 */
export function forCaller<S extends Pick<ApiServices, 'store'> & Partial<ApiServices>>(
  services: S,
  { signal }: Pick<Caller, 'signal'>,
): S {
  const { store, sources } = services;
  return {
    ...services,
    store: readUntil(store, signal),
    ...(sources !== undefined && {
      sources: { ...sources, open: (place) => readUntil(sources.open(place), signal) },
    }),
  };
}
