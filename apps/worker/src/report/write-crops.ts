import { drawCrop } from '@umbra/engine';
import { matchKey } from '@umbra/platform/store/key-layout';
import { keys } from '@umbra/platform/store/keys';
import { mapInOrder } from '@umbra/shared/concurrency';
import type { TenantJob } from '../jobs/job-record.js';
import type { Crop } from './choose-crops.js';
import { type InputServices, limitsOf, openPhotos, orLost } from './read-photo.js';

/** Extent that crops are shrunk into, px. */
const within = { height: 128, width: 128 };
const cropsAtOnce = 4;

/** Write the crops of a report; what cannot be cut out is left out. @returns The images of those written. */
export async function writeCrops(
  services: InputServices,
  { tenant, job }: TenantJob,
  crops: readonly Crop[],
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  const readPhoto = openPhotos(services, { tenant, job });
  const limits = limitsOf(services.config);
  const cut = async ({ image, box }: Crop): Promise<string | null> => {
    signal.throwIfAborted();
    const found = await readPhoto(image);
    const crop = found && (await orLost(drawCrop(found.photo, box, within, limits)));
    if (crop === null) return null;
    await services.store.put(keys.reportCrop(tenant, job.id, image), crop);
    return image;
  };
  const written = new Set<string>();
  for await (const image of mapInOrder(crops, { atOnce: cropsAtOnce }, cut)) {
    if (image !== null) written.add(image);
  }
  return written;
}

/** Delete the crops of an earlier report that this one does not have. */
export async function dropOtherCrops(
  { store }: Pick<InputServices, 'store'>,
  { tenant, job }: TenantJob,
  kept: ReadonlySet<string>,
): Promise<void> {
  for await (const { key } of store.list(keys.reportCrops(tenant, job.id))) {
    const image = matchKey('reportCrop', key)?.image;
    if (image === undefined || !kept.has(image)) await store.delete(key);
  }
}
