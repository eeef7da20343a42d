import { parseArgs } from 'node:util';
import {
  listTenants,
  parseTenantId,
  readTenantRecord,
  type TenantRecord,
  writeTenantRecord,
} from '@umbra/platform/tenancy/tenant';
import { invalidInput } from '@umbra/shared/errors';
import { openOperatorStore } from '../lib/operator.js';
import { alignColumns } from '../lib/summary.js';

export const tenantsUsage = `  umbra tenants set T [--images N] [--bytes N] [--positions N] [--requests-per-minute N] [--weight N]
      what a tenant may hold and ask, and its share of the workers; N is a number, 'none' for no limit,
      or 'default' for the installation's; for the operator, on the store that UMBRA_STORE names
  umbra tenants show T [--json]
  umbra tenants list`;

const options = {
  images: { type: 'string' },
  bytes: { type: 'string' },
  positions: { type: 'string' },
  'requests-per-minute': { type: 'string' },
  weight: { type: 'string' },
  json: { type: 'boolean' },
} as const;

const fresh: TenantRecord = { version: 1, weight: 1, quotas: {} };

/** Set, show and list what holds for tenants. */
export async function tenants(args: string[]): Promise<void> {
  const { values, positionals } = parseArgs({ args, allowPositionals: true, options });
  const [action, name, ...others] = positionals;
  const store = openOperatorStore();
  if (action === 'list' && name === undefined) {
    for await (const tenant of listTenants(store)) process.stdout.write(`${tenant}\n`);
    return;
  }
  if ((action !== 'set' && action !== 'show') || name === undefined || others.length > 0) {
    throw invalidInput(`Expected 'set T', 'show T' or 'list', got '${positionals.join(' ')}'`);
  }
  const id = parseTenantId(name);
  const { json, ...changes } = values;
  let record = (await readTenantRecord(store, id)) ?? fresh;
  if (action === 'set') {
    record = changed(record, changes);
    await writeTenantRecord(store, id, record);
  } else if (Object.keys(changes).length > 0) {
    throw invalidInput(`Expected no --${Object.keys(changes)[0]} with 'show'`);
  }
  show(id, record, json === true);
}

type Changes = { readonly [flag in Exclude<keyof typeof options, 'json'>]?: string | undefined };

function changed(record: TenantRecord, flags: Changes): TenantRecord {
  const { weight } = flags;
  if (Object.values(flags).every((value) => value === undefined)) {
    throw invalidInput("Expected something to set, such as '--images 1000'");
  }
  const rate = limitOf(flags, 'requests-per-minute', record.requestsPerMinute);
  const quotas = {
    images: limitOf(flags, 'images', record.quotas.images),
    bytes: limitOf(flags, 'bytes', record.quotas.bytes),
    positionsInFlight: limitOf(flags, 'positions', record.quotas.positionsInFlight),
  };
  return {
    version: 1,
    weight: weight === undefined ? record.weight : weight === 'default' ? 1 : numberOf(weight),
    quotas,
    ...(rate === undefined ? {} : { requestsPerMinute: rate }),
  };
}

/** @returns undefined for the default, null for no limit. */
function limitOf(flags: Changes, flag: keyof Changes, before: number | null | undefined) {
  const text = flags[flag];
  if (text === undefined) return before;
  if (text === 'default') return undefined;
  if (text === 'none') return null;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw invalidInput(`Expected --${flag} to be a number, 'none' or 'default', got '${text}'`);
}

function numberOf(text: string): number {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text);
  throw invalidInput(`Expected --weight to be a number or 'default', got '${text}'`);
}

function show(id: string, record: TenantRecord, json: boolean): void {
  if (json) {
    process.stdout.write(`${JSON.stringify({ tenant: id, ...record })}\n`);
    return;
  }
  const { weight, quotas, requestsPerMinute } = record;
  const words = (limit: number | null | undefined) =>
    limit === undefined ? 'default' : limit === null ? 'none' : String(limit);
  const rows = [
    ['images', words(quotas.images)],
    ['bytes', words(quotas.bytes)],
    ['positions in flight', words(quotas.positionsInFlight)],
    ['requests per minute', words(requestsPerMinute)],
    ['weight', String(weight)],
  ];
  process.stdout.write(`${alignColumns([[`tenant ${id}`, 'limit'], ...rows])}\n`);
}
