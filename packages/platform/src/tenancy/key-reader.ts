import { createCache } from '@umbra/shared/cache';
import { hasCode } from '@umbra/shared/errors';
import type { ObjectStore } from '../store/store.js';
import { type ApiKeyRecord, readApiKey } from './api-keys.js';

/** Reads a key's record by its prefix, which may be some seconds old; null where there is no such key. */
export type KeyReader = (prefix: string) => Promise<ApiKeyRecord | null>;

/** A key that was revoked is refused after at most this long. */
const freshMs = 3_000;
const maxKeys = 10_000;

/**
 * Keys are looked up in the store at most once in a few seconds each, unknown ones too.
 *
 * The two are remembered apart, so that a flood of unknown keys drives no known one out.
 */
export function createKeyReader(store: ObjectStore): KeyReader {
  const options = { maxEntries: maxKeys, ttlMs: freshMs, now: () => performance.now() };
  const known = createCache<ApiKeyRecord>(options);
  const unknown = createCache<null>(options);
  const underWay = new Map<string, Promise<ApiKeyRecord | null>>();

  const lookUp = async (prefix: string): Promise<ApiKeyRecord | null> => {
    // Taken before the store is asked: what is written meanwhile is read soon enough.
    const since = performance.now();
    try {
      const record = await readApiKey(store, prefix);
      known.set(prefix, record, since);
      return record;
    } catch (error) {
      if (!hasCode(error, 'not_found')) throw error;
      unknown.set(prefix, null, since);
      return null;
    }
  };
  return async (prefix) => {
    const remembered = known.get(prefix) ?? unknown.get(prefix);
    if (remembered !== undefined) return remembered;
    const asked = underWay.get(prefix) ?? lookUp(prefix).finally(() => underWay.delete(prefix));
    underWay.set(prefix, asked);
    return asked;
  };
}
