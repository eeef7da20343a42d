import { createHash, randomBytes } from 'node:crypto';
import { sha256 } from '@umbra/shared/contracts/dataset';
import { AppError, hasCode, invalidInput, notFound } from '@umbra/shared/errors';
import { z } from 'zod';
import { getJson, putJson } from '../store/json.js';
import { matchKey } from '../store/key-layout.js';
import { keys } from '../store/keys.js';
import type { ObjectStore } from '../store/store.js';
import { parseTenantId, tenantId } from './tenant.js';

/** Each holds what stands before it. */
export const scopes = ['read', 'submit', 'admin'] as const;
export type Scope = (typeof scopes)[number];

/** Whether scopes that were given allow what one asks for: `admin` implies `submit` implies `read`. */
export const allows = (given: readonly Scope[], asked: Scope): boolean =>
  given.some((one) => scopes.indexOf(one) >= scopes.indexOf(asked));

const prefixPattern = /^[a-z2-7]{8}$/;

/** A key as it is stored: everything but the secret. */
export const apiKeyRecord = z.strictObject({
  version: z.literal(1),
  /** The key's public part, by which it is found, listed and logged. */
  prefix: z.string().regex(prefixPattern),
  tenant: tenantId,
  name: z.string().max(100),
  scopes: z.array(z.enum(scopes)).min(1),
  /**
   * SHA-256 of the secret. A slow hash guards words that people choose; of 128 random bits none can be
   * guessed, however fast each guess is.
   */
  hash: sha256,
  createdAt: z.iso.datetime(),
  expiresAt: z.iso.datetime().nullable(),
  revokedAt: z.iso.datetime().nullable(),
});
export type ApiKeyRecord = z.output<typeof apiKeyRecord>;

/** A new key. Its text is not kept anywhere. */
export type NewApiKey = { readonly text: string; readonly record: ApiKeyRecord };

export type ApiKeyRequest = {
  readonly tenant: string;
  readonly scopes: readonly Scope[];
  readonly name?: string;
  readonly expiresAt?: Date | null;
};

const pattern = /^umbra_([a-z2-7]{8})_([a-z2-7]{26})$/;

/** The parts of `umbra_<prefix>_<secret>`; null for any other text. */
export function parseApiKey(text: string): { prefix: string; secret: string } | null {
  const [, prefix, secret] = pattern.exec(text) ?? [];
  return prefix === undefined || secret === undefined ? null : { prefix, secret };
}

export const hashSecret = (secret: string): Buffer => createHash('sha256').update(secret).digest();

/** @throws {AppError} `invalid_input` */
export async function createApiKey(store: ObjectStore, asked: ApiKeyRequest): Promise<NewApiKey> {
  const tenant = parseTenantId(asked.tenant);
  if (asked.scopes.length === 0) throw invalidInput('Expected at least one scope, got none');
  if (asked.expiresAt && asked.expiresAt.getTime() <= Date.now()) {
    throw invalidInput('Expected a key to expire in the future');
  }
  const prefix = await freePrefix(store);
  const secret = base32(randomBytes(16));
  const record: ApiKeyRecord = {
    version: 1,
    prefix,
    tenant,
    name: asked.name ?? '',
    scopes: scopes.filter((scope) => asked.scopes.includes(scope)),
    hash: hashSecret(secret).toString('hex'),
    createdAt: new Date().toISOString(),
    expiresAt: asked.expiresAt?.toISOString() ?? null,
    revokedAt: null,
  };
  const parsed = apiKeyRecord.safeParse(record);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw invalidInput(`Bad ${issue?.path.join('.')} of a key: ${issue?.message}`);
  }
  await putJson(store, keys.apiKey(prefix), parsed.data);
  return { text: `umbra_${prefix}_${secret}`, record: parsed.data };
}

/** @throws {AppError} `not_found` */
export async function readApiKey(store: ObjectStore, prefix: string): Promise<ApiKeyRecord> {
  if (!prefixPattern.test(prefix)) throw notFound('Unknown key: expected the 8 characters of one');
  const record = await getJson(store, keys.apiKey(prefix), apiKeyRecord).catch((error: unknown) => {
    throw hasCode(error, 'not_found') ? notFound(`Unknown key '${prefix}'`) : error;
  });
  if (record.revokedAt !== null) return record;
  return { ...record, revokedAt: await readRevocation(store, prefix) };
}

/**
 * An object that is only ever added, since a record is rewritten: a rotation that read it before a
 * revocation and writes it after would bring the key back.
 */
const revocation = z.strictObject({ version: z.literal(1), revokedAt: z.iso.datetime() });

async function readRevocation(store: ObjectStore, prefix: string): Promise<string | null> {
  const key = keys.apiKeyRevocation(prefix);
  if ((await store.head(key)) === null) return null;
  return (await getJson(store, key, revocation)).revokedAt;
}

/** All keys, in the order of their prefixes; one tenant's where it is named. */
export async function* listApiKeys(
  store: ObjectStore,
  tenant?: string,
): AsyncGenerator<ApiKeyRecord> {
  for await (const { key } of store.list(keys.apiKeys())) {
    const fields = matchKey('apiKey', key);
    if (fields === null) continue;
    const record = await readApiKey(store, fields.prefix);
    if (tenant === undefined || record.tenant === tenant) yield record;
  }
}

/** End a key now, whatever else is done with it at the same time; safe to repeat. @throws {AppError} `not_found` */
export async function revokeApiKey(store: ObjectStore, prefix: string): Promise<ApiKeyRecord> {
  const record = await readApiKey(store, prefix);
  if (record.revokedAt !== null) return record;
  const revokedAt = new Date().toISOString();
  await putJson(store, keys.apiKeyRevocation(prefix), { version: 1, revokedAt });
  const revoked = { ...record, revokedAt };
  // Processes of the release before look at the record alone.
  await putJson(store, keys.apiKey(prefix), revoked);
  return revoked;
}

/**
 * Make a key like another one, which then ends after a grace period.
 *
 * @returns The new key; it lives as long as the old one was meant to, counted from now.
 * @throws {AppError} `not_found`; `conflict` if the old key has ended already, or is revoked meanwhile:
 *   then there is no new one.
 */
export async function rotateApiKey(
  store: ObjectStore,
  prefix: string,
  graceMs: number,
): Promise<NewApiKey> {
  const old = await readApiKey(store, prefix);
  if (hasEnded(old)) throw new AppError('conflict', `Key '${prefix}' has ended: create another`);
  const now = Date.now();
  const ends = old.expiresAt === null ? null : Date.parse(old.expiresAt);
  const lifeMs = ends === null ? null : ends - Date.parse(old.createdAt);
  const { tenant, name } = old;
  const expiresAt = lifeMs === null ? null : new Date(now + lifeMs);
  const made = await createApiKey(store, { tenant, name, scopes: old.scopes, expiresAt });
  const graceEnd = Math.min(now + graceMs, ends ?? Number.POSITIVE_INFINITY);
  const ending = { ...old, expiresAt: new Date(graceEnd).toISOString() };
  await putJson(store, keys.apiKey(prefix), ending);
  const revokedAt = await readRevocation(store, prefix);
  if (revokedAt === null) return made;
  await revokeApiKey(store, made.record.prefix);
  await putJson(store, keys.apiKey(prefix), { ...ending, revokedAt });
  throw new AppError('conflict', `Key '${prefix}' was revoked: create another`);
}

/** Revoked or expired. */
export const hasEnded = ({ revokedAt, expiresAt }: ApiKeyRecord, nowMs = Date.now()): boolean =>
  revokedAt !== null || (expiresAt !== null && Date.parse(expiresAt) <= nowMs);

/** Choose a free prefix: of 2^40 one is rarely taken, but it would open another tenant's door to revoke. */
async function freePrefix(store: ObjectStore): Promise<string> {
  for (;;) {
    const prefix = base32(randomBytes(5));
    if ((await store.head(keys.apiKey(prefix))) === null) return prefix;
  }
}

const alphabet = 'abcdefghijklmnopqrstuvwxyz234567';

/** RFC 4648's base32 in lower case, without padding. */
function base32(bytes: Buffer): string {
  const bits = Array.from(bytes, (byte) => byte.toString(2).padStart(8, '0')).join('');
  const groups = bits.match(/.{1,5}/g) ?? [];
  return groups.map((group) => alphabet[Number.parseInt(group.padEnd(5, '0'), 2)]).join('');
}
