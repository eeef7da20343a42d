import { Counter, type Registry } from 'prom-client';
import { matchKey } from '../store/key-layout.js';
import type { ObjectStore } from '../store/store.js';

/** What tenants use, as seen by one process. */
export type TenantUsage = {
  countPositions(tenant: string, count: number): void;
  countImage(tenant: string, outcome: string): void;
  /** Count the bytes that are written for tenants. */
  measureStored(store: ObjectStore): ObjectStore;
};

/**
 * A series a tenant and counter, for so many tenants as the process meets first; the rest share the
 * label `(other)`, which no tenant is called: a label without a bound would grow Prometheus without one.
 */
export function createTenantUsage(registry: Registry, most: number): TenantUsage {
  const registers = [registry];
  const counter = <T extends string>(name: string, help: string, labelNames: T[]) =>
    new Counter({ name, help, labelNames, registers });
  const positions = counter('umbra_tenant_positions_total', 'Positions run, by tenant', ['tenant']);
  const images = counter('umbra_tenant_images_total', 'Images finished, by tenant', [
    'tenant',
    'outcome',
  ]);
  const bytes = counter('umbra_tenant_stored_bytes_total', 'Bytes written, by tenant', ['tenant']);
  const known = new Set<string>();
  const labelOf = (tenant: string): string => {
    if (known.has(tenant)) return tenant;
    if (known.size >= most) return '(other)';
    known.add(tenant);
    return tenant;
  };
  const countBytes = (key: string, count: number): void => {
    const owner = matchKey('tenantFile', key);
    if (owner !== null && count > 0) bytes.inc({ tenant: labelOf(owner.tenant) }, count);
  };
  return {
    countPositions(tenant, count) {
      if (count > 0) positions.inc({ tenant: labelOf(tenant) }, count);
    },
    countImage(tenant, outcome) {
      images.inc({ tenant: labelOf(tenant), outcome });
    },
    measureStored: (store) => ({
      ...store,
      async put(key, body) {
        await store.put(key, body);
        countBytes(key, Buffer.byteLength(body));
      },
      async putStream(key, body) {
        const stored = await store.putStream(key, body);
        countBytes(key, stored.bytes);
        return stored;
      },
    }),
  };
}
