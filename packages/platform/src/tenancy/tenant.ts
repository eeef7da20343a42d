import { hasCode, invalidInput } from '@umbra/shared/errors';
import { z } from 'zod';
import { getJson, putJson } from '../store/json.js';
import { keys } from '../store/keys.js';
import { listFolders } from '../store/list-folders.js';
import type { ObjectStore } from '../store/store.js';

/** A name that is safe in keys, paths and logs. */
export const tenantId = z
  .string()
  .regex(
    /^[a-z0-9][a-z0-9-]{0,39}$/,
    'Expected a tenant of 1 to 40 lower-case letters, digits and hyphens, no hyphen first',
  );

/** @throws {AppError} `invalid_input` */
export function parseTenantId(text: string): string {
  const parsed = tenantId.safeParse(text);
  if (parsed.success) return parsed.data;
  throw invalidInput(`${parsed.error.issues[0]?.message}, got '${text.slice(0, 64)}'`);
}

const limit = z.int().min(0).nullable();

/** What a tenant may hold at once; null has no limit. */
export const quotas = z.strictObject({
  images: limit,
  bytes: limit,
  /** Positions of jobs that have not ended, each job counted whole. */
  positionsInFlight: limit,
  /** Jobs that have not ended. */
  jobs: limit,
  /** Datasets that take images or are validated. */
  openDatasets: limit,
  /** Jobs that are followed at once at one API process. */
  streams: limit,
});
export type Quotas = z.output<typeof quotas>;

const requestsPerMinute = z.int().min(1).max(1_000_000_000).nullable();
/** Share of the workers' time, relative to the other tenants' weights. */
const weight = z.number().min(0.01).max(1000);

/** What was set for a tenant. What was not is the installation's default. */
export const tenantRecord = z.strictObject({
  version: z.literal(1),
  weight: weight.default(1),
  quotas: quotas.partial().default({}),
  requestsPerMinute: requestsPerMinute.optional(),
});
export type TenantRecord = z.output<typeof tenantRecord>;

/** What holds for a tenant. */
export type Tenant = {
  readonly id: string;
  readonly weight: number;
  readonly quotas: Quotas;
  readonly requestsPerMinute: number | null;
};
export type TenantDefaults = Pick<Tenant, 'quotas' | 'requestsPerMinute'>;

export const unlimitedTenant: TenantDefaults = {
  quotas: {
    images: null,
    bytes: null,
    positionsInFlight: null,
    jobs: null,
    openDatasets: null,
    streams: null,
  },
  requestsPerMinute: null,
};

/** What was set for a tenant; null where nothing was. */
export async function readTenantRecord(
  store: ObjectStore,
  id: string,
): Promise<TenantRecord | null> {
  try {
    return await getJson(store, keys.tenant(id), tenantRecord);
  } catch (error) {
    if (hasCode(error, 'not_found')) return null;
    throw error;
  }
}

/** @throws {AppError} `invalid_input` */
export async function writeTenantRecord(
  store: ObjectStore,
  id: string,
  record: TenantRecord,
): Promise<void> {
  const parsed = tenantRecord.safeParse(record);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw invalidInput(`Bad ${issue?.path.join('.')} of a tenant: ${issue?.message}`);
  }
  await putJson(store, keys.tenant(parseTenantId(id)), parsed.data);
}

/** A tenant as it is: what was set, over the installation's defaults. */
export async function readTenant(
  store: ObjectStore,
  id: string,
  defaults: TenantDefaults,
): Promise<Tenant> {
  const record = await readTenantRecord(store, id);
  const set = record?.quotas ?? {};
  const orDefaultOf = (name: keyof Quotas) => orDefault(set[name], defaults.quotas[name]);
  return {
    id,
    weight: record?.weight ?? 1,
    quotas: {
      images: orDefaultOf('images'),
      bytes: orDefaultOf('bytes'),
      positionsInFlight: orDefaultOf('positionsInFlight'),
      jobs: orDefaultOf('jobs'),
      openDatasets: orDefaultOf('openDatasets'),
      streams: orDefaultOf('streams'),
    },
    requestsPerMinute: orDefault(record?.requestsPerMinute, defaults.requestsPerMinute),
  };
}

/** Null was set, too: it means that there is no limit. */
const orDefault = <T>(set: T | undefined, fallback: T): T => (set === undefined ? fallback : set);

/** Every tenant that has anything in the store, in ascending order. */
export async function* listTenants(store: ObjectStore): AsyncGenerator<string> {
  for await (const name of listFolders(store, keys.tenants())) {
    if (tenantId.safeParse(name).success) yield name;
  }
}
