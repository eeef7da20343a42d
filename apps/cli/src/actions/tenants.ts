import {
  listTenants,
  parseTenantId,
  readTenantRecord,
  type TenantRecord,
  writeTenantRecord,
} from '@umbra/platform/tenancy/tenant';
import { invalidInput } from '@umbra/shared/errors';
import { openOperatorStore } from '../lib/operator.js';
import { printJson } from '../lib/output.js';
import { alignColumns } from '../lib/summary.js';

/** New limits as the command line gives them: a number, `none` or `default`. */
export type TenantChanges = {
  readonly images?: string;
  readonly bytes?: string;
  readonly positions?: string;
  readonly jobs?: string;
  readonly openDatasets?: string;
  readonly streams?: string;
  readonly requestsPerMinute?: string;
  readonly weight?: string;
};

const fresh: TenantRecord = { version: 1, weight: 1, quotas: {} };

/** Change what is given of a tenant's limits, and print them. */
export async function setTenant(
  name: string,
  { json, ...changes }: TenantChanges & { readonly json?: boolean },
): Promise<void> {
  const store = openOperatorStore();
  const id = parseTenantId(name);
  const record = changeLimits((await readTenantRecord(store, id)) ?? fresh, changes);
  await writeTenantRecord(store, id, record);
  printTenant(id, record, json === true);
}

/** Print a tenant's limits. */
export async function showTenant(name: string, json: boolean): Promise<void> {
  const id = parseTenantId(name);
  printTenant(id, (await readTenantRecord(openOperatorStore(), id)) ?? fresh, json);
}

/** Print the names of all tenants, one a line. */
export async function printTenants(): Promise<void> {
  for await (const tenant of listTenants(openOperatorStore())) process.stdout.write(`${tenant}\n`);
}

/** @throws {AppError} `invalid_input` if nothing is given, or something that is no limit. */
function changeLimits(record: TenantRecord, changes: TenantChanges): TenantRecord {
  const { weight } = changes;
  if (Object.values(changes).every((value) => value === undefined)) {
    throw invalidInput("Expected something to set, such as '--images 1000'");
  }
  const rate = parseLimit(
    '--requests-per-minute',
    changes.requestsPerMinute,
    record.requestsPerMinute,
  );
  const quotas = {
    images: parseLimit('--images', changes.images, record.quotas.images),
    bytes: parseLimit('--bytes', changes.bytes, record.quotas.bytes),
    positionsInFlight: parseLimit(
      '--positions',
      changes.positions,
      record.quotas.positionsInFlight,
    ),
    jobs: parseLimit('--jobs', changes.jobs, record.quotas.jobs),
    openDatasets: parseLimit('--open-datasets', changes.openDatasets, record.quotas.openDatasets),
    streams: parseLimit('--streams', changes.streams, record.quotas.streams),
  };
  return {
    version: 1,
    weight: weight === undefined ? record.weight : parseWeight(weight),
    quotas,
    ...(rate === undefined ? {} : { requestsPerMinute: rate }),
  };
}

/** @returns undefined for the default, null for no limit. @throws {AppError} `invalid_input` */
function parseLimit(flag: string, text: string | undefined, before: number | null | undefined) {
  if (text === undefined) return before;
  if (text === 'default') return undefined;
  if (text === 'none') return null;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw invalidInput(`Expected ${flag} to be a number, 'none' or 'default', got '${text}'`);
}

function parseWeight(text: string): number {
  if (text === 'default') return fresh.weight;
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text);
  throw invalidInput(`Expected --weight to be a number or 'default', got '${text}'`);
}

function printTenant(id: string, record: TenantRecord, json: boolean): void {
  if (json) {
    printJson({ tenant: id, ...record });
    return;
  }
  const { weight, quotas, requestsPerMinute } = record;
  const words = (limit: number | null | undefined) =>
    limit === undefined ? 'default' : limit === null ? 'none' : String(limit);
  const rows = [
    ['images', words(quotas.images)],
    ['bytes', words(quotas.bytes)],
    ['positions in flight', words(quotas.positionsInFlight)],
    ['jobs that have not ended', words(quotas.jobs)],
    ['open datasets', words(quotas.openDatasets)],
    ['streams', words(quotas.streams)],
    ['requests per minute', words(requestsPerMinute)],
    ['weight', String(weight)],
  ];
  process.stdout.write(`${alignColumns([[`tenant ${id}`, 'limit'], ...rows])}\n`);
}
