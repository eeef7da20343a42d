import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { parseJson } from '@umbra/platform/store/json';
import { keys } from '@umbra/platform/store/keys';
import type { ObjectStore } from '@umbra/platform/store/store';
import type { ClusteredPatches } from '@umbra/report';
import { imageId } from '@umbra/shared/contracts/dataset';
import { integrity } from '@umbra/shared/errors';
import { z } from 'zod';
import type { TenantJob } from '../jobs/job-record.js';

/** `members.json.gz`: the cluster of every patch of a report, which lists the nearest ones alone. */
const storedMembers = z.strictObject({
  version: z.literal(1),
  /** When the report was written whose clusters these are. */
  writtenAt: z.iso.datetime(),
  members: z.array(z.strictObject({ id: imageId, cluster: z.int().min(0) })),
});
export type StoredMembers = z.output<typeof storedMembers>;

/** 20,000 members take about a megabyte. */
const maxBytes = 16 * 1024 * 1024;

export async function writeMembers(
  store: ObjectStore,
  { tenant, job }: TenantJob,
  members: Readonly<Omit<StoredMembers, 'version' | 'members'>> & Pick<ClusteredPatches, 'members'>,
): Promise<void> {
  const text = JSON.stringify({ version: 1, ...members });
  await store.put(keys.reportMembers(tenant, job.id), await promisify(gzip)(text));
}

/** @throws {AppError} `not_found` where there is no report; `integrity` where it is damaged. */
export async function readMembers(
  store: ObjectStore,
  { tenant, job }: TenantJob,
): Promise<StoredMembers> {
  const packed = await store.get(keys.reportMembers(tenant, job.id));
  const text = await promisify<Buffer, { maxOutputLength: number }, Buffer>(gunzip)(packed, {
    maxOutputLength: maxBytes,
  }).catch((error: unknown) => {
    throw integrity('Expected compressed members of clusters', error);
  });
  return parseJson(text.toString(), storedMembers, 'the members of clusters');
}
