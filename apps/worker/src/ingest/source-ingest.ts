import {
  createDatasetMeter,
  type DatasetMeter,
  journalTotals,
  type UploadLimits,
} from '@umbra/datasets';
import { type DatasetSource, reservedFor } from '@umbra/shared/contracts/dataset';
import type { WorkerServices } from '../services.js';

export type IngestServices = Pick<
  WorkerServices,
  'config' | 'store' | 'sources' | 'readTenant' | 'usage' | 'shutdown'
>;

/** A dataset, and the store that holds it. */
export type DatasetLocation = Pick<WorkerServices, 'store'> & {
  readonly tenant: string;
  readonly dataset: string;
};

/** What every kind of source is read with: one source of a dataset, on its way into the journal. */
export type SourceIngest = {
  readonly location: DatasetLocation;
  /** Id of the source; the journal's stream has the same one. */
  readonly id: string;
  readonly sources: WorkerServices['sources'];
  readonly limits: UploadLimits;
  /** Maximum size of an uploaded file, bytes. */
  readonly maxUploadBytes: number;
  readonly meter: DatasetMeter;
  readonly shutdown: AbortSignal;
  /** @throws {AppError} If the dataset is no longer validating, or this process is ending. */
  assertActive(): Promise<void>;
};

export type SourceIngestOptions = {
  readonly location: DatasetLocation;
  readonly id: string;
  readonly source: DatasetSource;
  assertActive(): Promise<void>;
};

/** Open a source to be read, with a meter that counts what its journal holds already. */
export async function openSourceIngest(
  services: IngestServices,
  { location, id, source, assertActive }: SourceIngestOptions,
): Promise<SourceIngest> {
  const { config, sources, shutdown } = services;
  const meter = createDatasetMeter(services, location.tenant, `${location.dataset}.${id}`, {
    taken: await journalTotals(location, id),
    floor: reservedFor(source),
  });
  return {
    location,
    id,
    sources,
    limits: { maxBytes: config.UMBRA_MAX_IMAGE_BYTES, maxPixels: config.UMBRA_MAX_IMAGE_PIXELS },
    maxUploadBytes: config.UMBRA_MAX_UPLOAD_BYTES,
    meter,
    shutdown,
    assertActive,
  };
}
