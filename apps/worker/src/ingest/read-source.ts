import { journalTotals } from '@umbra/datasets';
import type { ObjectStore } from '@umbra/platform/store/store';
import { createDatasetMeter, type DatasetMeter } from '@umbra/platform/tenancy/dataset-meter';
import { type DatasetSource, reservedFor } from '@umbra/shared/contracts/dataset';
import { hasCode } from '@umbra/shared/errors';
import type { WorkerServices } from '../services.js';
import { readArchive } from './read-archive.js';
import { readLineSource } from './read-lines.js';
import { readPrefix } from './read-prefix.js';

export type Place = {
  readonly store: ObjectStore;
  readonly tenant: string;
  readonly dataset: string;
};

/**
 * Read one source into the journal, from where it was left.
 *
 * @param goOn Called after each segment; what it throws ends the reading.
 * @throws {AppError} `quota_exceeded` if the tenant may not hold all of it; what fitted is in the journal.
 */
export async function readSource(
  services: WorkerServices,
  place: Place,
  id: string,
  source: DatasetSource,
  assertActive: () => Promise<void>,
): Promise<void> {
  const { tenant, dataset } = place;
  const meter = createDatasetMeter(services, tenant, `${dataset}.${id}`, {
    taken: await journalTotals(place, id),
    floor: reservedFor(source),
  });
  await meter.open();
  try {
    await read(services, place, id, source, assertActive, meter);
  } catch (error) {
    if (hasCode(error, 'quota_exceeded')) await meter.settle();
    throw error;
  }
  await meter.settle();
}

async function read(
  services: WorkerServices,
  place: Place,
  id: string,
  source: DatasetSource,
  assertActive: () => Promise<void>,
  meter: DatasetMeter,
): Promise<void> {
  switch (source.kind) {
    case 's3':
      return readPrefix(services, place, id, source, assertActive, meter);
    case 'lines':
      return readLineSource(services, place, id, source, assertActive, meter);
    case 'archive':
      return readArchive(services, place, id, source, assertActive, meter);
  }
}
