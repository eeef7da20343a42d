import { timingSafeEqual } from 'node:crypto';
import { AppError } from '@umbra/shared/errors';
import { type ApiKeyRecord, hasEnded, hashSecret, parseApiKey, type Scope } from './api-keys.js';
import type { KeyReader } from './key-reader.js';

/** Who asks. */
export type Principal = {
  readonly tenant: string;
  readonly scopes: readonly Scope[];
  /** Public, for logs. */
  readonly keyPrefix: string;
  /** When the key ends, ISO 8601; null where it does not end by itself. */
  readonly expiresAt: string | null;
};

/** @throws {AppError} `unauthorized`, with the same words for keys unknown and secrets wrong. */
export type KeyVerifier = (text: string) => Promise<Principal>;

/** Compared against where there is no key: 32 bytes that no secret's hash is known to be. */
const noHash = Buffer.alloc(32);

export function createKeyVerifier(readKey: KeyReader): KeyVerifier {
  return async (text) => {
    const parts = parseApiKey(text);
    if (parts === null) throw refusal();
    const record = await readKey(parts.prefix);
    const hash = record === null ? noHash : Buffer.from(record.hash, 'hex');
    const isRight = timingSafeEqual(hashSecret(parts.secret), hash);
    if (record === null || !isRight) throw refusal();
    // Only who has the secret learns more.
    return principalOf(record);
  };
}

/**
 * Whom a key speaks for, to somebody who has shown its secret.
 *
 * @throws {AppError} `unauthorized` if the key was revoked or has expired.
 */
export function principalOf(record: ApiKeyRecord): Principal {
  if (hasEnded(record)) {
    const how = record.revokedAt === null ? 'has expired' : 'was revoked';
    throw new AppError('unauthorized', `This API key ${how}`);
  }
  const { tenant, scopes, prefix, expiresAt } = record;
  return { tenant, scopes, keyPrefix: prefix, expiresAt };
}

const refusal = () => new AppError('unauthorized', 'Unknown API key');
