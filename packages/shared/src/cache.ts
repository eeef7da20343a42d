import { LRUCache } from 'lru-cache';

/** Bounds of a cache, at least one, so that no input decides how much that is. */
export type CacheOptions<V> = (
  | { readonly maxEntries: number }
  | { readonly maxBytes: number; readonly sizeOf: (value: V) => number }
) & {
  /** Lifetime of a value; unlimited unless given. */
  readonly ttlMs?: number;
  /** Clock of the ages, ms; the process's own (`performance`) unless given. */
  readonly now?: () => number;
};

/** Bounded memory: what was used longest ago goes first. */
export type Cache<V> = {
  /** @returns undefined for what is not, or no longer, kept. */
  get(key: string): V | undefined;
  /** @param sinceMs When the value was true, on the cache's clock; now unless given. */
  set(key: string, value: V, sinceMs?: number): void;
  delete(key: string): void;
};

/** A value above `maxBytes` is not kept at all. */
export function createCache<V>(options: CacheOptions<V>): Cache<V> {
  const values = open<V>(options);
  return {
    get: (key) => values.get(key)?.value,
    set(key, value, sinceMs) {
      // lru-cache takes a start of 0 for no start, and would never let the value age.
      const start = sinceMs === 0 ? Number.MIN_VALUE : sinceMs;
      values.set(key, { value }, start === undefined ? {} : { start });
    },
    delete: (key) => void values.delete(key),
  };
}

/** A cache of values that take time to make. */
export type LoadingCache<V> = {
  /**
   * The value of a key; made where it is not kept. Callers that ask at once share one making, and a
   * failure is kept for none of them.
   */
  load(key: string, make: () => Promise<V>): Promise<V>;
  delete(key: string): void;
};

/** Create a loading cache; a value that is being made counts as nothing, and cannot be dropped. */
export function createLoadingCache<V>(options: CacheOptions<V>): LoadingCache<V> {
  const values = open<V>(options);
  const making = new Map<string, Promise<V>>();
  return {
    async load(key, make) {
      const kept = values.get(key);
      if (kept !== undefined) return kept.value;
      const known = making.get(key);
      if (known !== undefined) return known;
      const made = make().then((value) => {
        // Deleted meanwhile: those who wait have it, and nobody after them.
        if (making.get(key) === made) values.set(key, { value });
        return value;
      });
      making.set(key, made);
      try {
        return await made;
      } finally {
        if (making.get(key) === made) making.delete(key);
      }
    },
    delete(key) {
      making.delete(key);
      values.delete(key);
    },
  };
}

/** Boxed, so that a kept null or undefined is told from nothing kept. */
type Kept<V> = { readonly value: V };

function open<V>(options: CacheOptions<V>): LRUCache<string, Kept<V>> {
  const { ttlMs, now } = options;
  // Resolution 0: the clock is read each time, and no timer is left running.
  const aging = ttlMs === undefined ? {} : { ttl: ttlMs, ttlResolution: 0 };
  const ttl = now === undefined ? aging : { ...aging, perf: { now } };
  if ('maxEntries' in options) return new LRUCache({ max: options.maxEntries, ...ttl });
  const { maxBytes, sizeOf } = options;
  return new LRUCache({
    maxSize: maxBytes,
    sizeCalculation: ({ value }) => Math.max(1, sizeOf(value)),
    ...ttl,
  });
}
