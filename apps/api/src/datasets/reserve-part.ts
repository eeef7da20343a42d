import type { Stored } from '@umbra/platform/redis/usage-ledger';
import type { Reference } from '@umbra/shared/contracts/reference';
import type { ApiServices } from '../services.js';

export type ReservingServices = Pick<ApiServices, 'readTenant' | 'usage'>;

/** Reserve what one part of an open dataset takes of its tenant's quota. @throws {AppError} `quota_exceeded` */
export async function reservePart(
  { readTenant, usage }: ReservingServices,
  { tenant, id }: Reference,
  part: string,
  stored: Stored,
): Promise<void> {
  const { quotas } = await readTenant(tenant);
  await usage.reserveDataset(tenant, quotas, `${id}.${part}`, stored);
}
