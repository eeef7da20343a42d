import { parseArgs } from 'node:util';
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
import { openOperatorStore } from '../lib/operator.js';
import { alignColumns } from '../lib/summary.js';

export const keysUsage = `  umbra keys create --tenant T --scopes read,submit,admin [--name N] [--expires 90d] [--json]
      make an API key and print it, this once; for the operator, on the store that UMBRA_STORE names
  umbra keys list [--tenant T] [--json]
  umbra keys revoke PREFIX
      refused by every API process within five seconds
  umbra keys rotate PREFIX [--grace 24h] [--json]
      a new key like this one, which then ends after the grace period`;

const options = {
  tenant: { type: 'string' },
  scopes: { type: 'string' },
  name: { type: 'string' },
  expires: { type: 'string' },
  grace: { type: 'string', default: '24h' },
  json: { type: 'boolean' },
} as const;

/** Make, list, end and renew API keys. */
export async function keys(args: string[]): Promise<void> {
  const { values, positionals } = parseArgs({ args, allowPositionals: true, options });
  const [action, prefix, ...others] = positionals;
  const takesPrefix = action === 'revoke' || action === 'rotate';
  const isKnown = takesPrefix || action === 'create' || action === 'list';
  if (!isKnown || takesPrefix !== (prefix !== undefined) || others.length > 0) {
    const got = positionals.join(' ');
    throw invalidInput(
      `Expected 'create', 'list', 'revoke PREFIX' or 'rotate PREFIX', got '${got}'`,
    );
  }
  const json = values.json === true;
  if (action === 'list') return list(values.tenant, json);
  const store = openOperatorStore();
  if (action === 'create') {
    if (values.tenant === undefined) throw invalidInput('Expected --tenant T, got none');
    const { expires, name } = values;
    const expiresAt =
      expires === undefined ? null : new Date(Date.now() + parseDuration(expires, '--expires'));
    const request = { tenant: values.tenant, scopes: parseScopes(values.scopes), expiresAt };
    return print(await createApiKey(store, { ...request, name: name ?? '' }), json);
  }
  if (action === 'rotate') {
    const graceMs = parseDuration(values.grace, '--grace');
    return print(await rotateApiKey(store, prefix ?? '', graceMs), json);
  }
  const { revokedAt } = await revokeApiKey(store, prefix ?? '');
  process.stderr.write(`Key ${prefix} was revoked at ${revokedAt}\n`);
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
function print({ text, record }: NewApiKey, json: boolean): void {
  const { prefix, tenant, expiresAt } = record;
  process.stderr.write(
    `Key ${prefix} of tenant ${tenant}, ${record.scopes.join(' and ')}, ` +
      `${expiresAt === null ? 'without end' : `until ${expiresAt}`}. It is shown this once:\n`,
  );
  process.stdout.write(json ? `${JSON.stringify({ key: text, ...shown(record) })}\n` : `${text}\n`);
}

async function list(tenant: string | undefined, json: boolean): Promise<void> {
  const of = tenant === undefined ? undefined : parseTenantId(tenant);
  const records = [];
  for await (const record of listApiKeys(openOperatorStore(), of)) records.push(shown(record));
  const rows = records.map((record) => [
    ...[record.prefix, record.tenant, record.scopes.join(','), record.state],
    ...[record.createdAt, record.expiresAt ?? 'never', record.name],
  ]);
  const header = ['prefix', 'tenant', 'scopes', 'state', 'created', 'expires', 'name'];
  process.stdout.write(
    json ? `${JSON.stringify({ keys: records })}\n` : `${alignColumns([header, ...rows])}\n`,
  );
}

const shown = (record: ApiKeyRecord) => {
  const { version: _version, hash: _hash, ...rest } = record;
  const ended = record.revokedAt === null ? 'expired' : 'revoked';
  return { ...rest, state: hasEnded(record) ? ended : 'valid' };
};
