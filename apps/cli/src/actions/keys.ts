import {
  type ApiKeyRecord,
  createApiKey,
  hasEnded,
  listApiKeys,
  type NewApiKey,
  revokeApiKey,
  rotateApiKey,
  type Scope,
  scopes,
} from '@umbra/platform/tenancy/api-keys';
import { parseTenantId } from '@umbra/platform/tenancy/tenant';
import { invalidInput } from '@umbra/shared/errors';
import { parseDuration } from '../lib/durations.js';
import { required } from '../lib/flags.js';
import { openOperatorStore } from '../lib/operator.js';
import { printJson } from '../lib/output.js';
import { alignColumns } from '../lib/summary.js';

export type CreateKeyOptions = {
  readonly tenant?: string;
  readonly scopes?: string;
  readonly name?: string;
  readonly expires?: string;
  readonly json?: boolean;
};
export type ListKeysOptions = { readonly tenant?: string; readonly json?: boolean };
export type RotateKeyOptions = { readonly grace: string; readonly json?: boolean };

/** Create an API key and print it. */
export async function createKey(options: CreateKeyOptions): Promise<void> {
  const { expires, name = '' } = options;
  const tenant = required(options.tenant, '--tenant TENANT');
  const expiresAt =
    expires === undefined ? null : new Date(Date.now() + parseDuration(expires, '--expires'));
  const request = { tenant, scopes: parseScopes(options.scopes), expiresAt, name };
  printKey(await createApiKey(openOperatorStore(), request), options.json === true);
}

/** Create a key like another, which then ends after the grace period. */
export async function rotateKey(prefix: string, { grace, json }: RotateKeyOptions): Promise<void> {
  const graceMs = parseDuration(grace, '--grace');
  printKey(await rotateApiKey(openOperatorStore(), prefix, graceMs), json === true);
}

/** End a key at once. */
export async function revokeKey(prefix: string): Promise<void> {
  const { revokedAt } = await revokeApiKey(openOperatorStore(), prefix);
  process.stderr.write(`Key ${prefix} was revoked at ${revokedAt}\n`);
}

/** Print the keys of a tenant, or of all. */
export async function listKeys({ tenant, json }: ListKeysOptions): Promise<void> {
  const id = tenant === undefined ? undefined : parseTenantId(tenant);
  const keys = [];
  for await (const record of listApiKeys(openOperatorStore(), id)) keys.push(shown(record));
  if (json) return printJson({ keys });
  const rows = keys.map((key) => [
    key.prefix,
    key.tenant,
    key.scopes.join(','),
    key.state,
    key.createdAt,
    key.expiresAt ?? 'never',
    key.name,
  ]);
  const header = ['prefix', 'tenant', 'scopes', 'state', 'created', 'expires', 'name'];
  process.stdout.write(`${alignColumns([header, ...rows])}\n`);
}

function parseScopes(text: string | undefined): Scope[] {
  const given = text?.split(',') ?? [];
  const isScope = (name: string): name is Scope => (scopes as readonly string[]).includes(name);
  if (given.length > 0 && given.every(isScope)) return given;
  throw invalidInput(
    `Expected --scopes of ${scopes.join(', ')}, by commas, got '${text ?? 'none'}'`,
  );
}

/** The key alone on stdout, so that it can be piped to where secrets are kept. */
function printKey({ text, record }: NewApiKey, json: boolean): void {
  const { prefix, tenant, expiresAt } = record;
  process.stderr.write(
    `Key ${prefix} of tenant ${tenant}, ${record.scopes.join(' and ')}, ` +
      `${expiresAt === null ? 'without end' : `until ${expiresAt}`}. It is shown this once:\n`,
  );
  if (json) printJson({ key: text, ...shown(record) });
  else process.stdout.write(`${text}\n`);
}

/** A record without its secret's hash, and with its state. */
const shown = (record: ApiKeyRecord) => {
  const { version: _version, hash: _hash, ...rest } = record;
  const ended = record.revokedAt === null ? 'expired' : 'revoked';
  return { ...rest, state: hasEnded(record) ? ended : 'valid' };
};
