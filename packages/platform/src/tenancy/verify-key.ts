import { timingSafeEqual } from 'node:crypto';
import { createCache } from '@umbra/shared/cache';
import { AppError, hasCode } from '@umbra/shared/errors';
import type { ObjectStore } from '../store/store.js';
import {
  type ApiKeyRecord,
  hasEnded,
  hashSecret,
  parseApiKey,
  readApiKey,
  type Scope,
} from './api-keys.js';

/** Who asks. */
export type Principal = {
  readonly tenant: string;
  readonly scopes: readonly Scope[];
  /** Public, for logs. */
  readonly keyPrefix: string;
};

/** @throws {AppError} `unauthorized`, with the same words for keys unknown and secrets wrong. */
export type KeyVerifier = (text: string) => Promise<Principal>;

/** A key that was revoked is refused after at most this long. */
const freshMs = 3_000;
const maxKeys = 10_000;
/** Compared against where there is no key: 32 bytes that no secret's hash is known to be. */
const noHash = Buffer.alloc(32);

/**
 * Keys are looked up in the store at most once in a few seconds each, unknown ones too.
 *
 * The two are remembered apart, so that a flood of unknown keys drives no known one out.
 */
export function createKeyVerifier(store: ObjectStore): KeyVerifier {
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
  const find = (prefix: string): Promise<ApiKeyRecord | null> | ApiKeyRecord | null => {
    const remembered = known.get(prefix) ?? unknown.get(prefix);
    if (remembered !== undefined) return remembered;
    const asked = underWay.get(prefix) ?? lookUp(prefix).finally(() => underWay.delete(prefix));
    underWay.set(prefix, asked);
    return asked;
  };

  return async (text) => {
    const parts = parseApiKey(text);
    if (parts === null) throw refusal();
    const record = await find(parts.prefix);
    const hash = record === null ? noHash : Buffer.from(record.hash, 'hex');
    const isRight = timingSafeEqual(hashSecret(parts.secret), hash);
    if (record === null || !isRight) throw refusal();
    // Only who has the secret learns more.
    if (hasEnded(record)) {
      const how = record.revokedAt === null ? 'has expired' : 'was revoked';
      throw new AppError('unauthorized', `This API key ${how}`);
    }
    const { tenant, scopes, prefix } = record;
    return { tenant, scopes, keyPrefix: prefix };
  };
}

const refusal = () => new AppError('unauthorized', 'Unknown API key');
