import {
  createDatasetWriter,
  type DatasetMeter,
  type DatasetWriter,
  newStreamId,
} from '@umbra/datasets';
import type { Reference } from '@umbra/shared/contracts/reference';
import type { ApiServices } from '../services.js';

/** Source of an image's label: the name of its folder, or nothing. */
export type LabelRule = 'folder' | null;

export type WriterOptions = {
  readonly dataset: Reference;
  readonly labels: LabelRule;
  readonly meter: DatasetMeter;
  /** Stream of the journal; a new one where undefined. */
  readonly stream?: string;
};

/** Open a writer for a request's images, with the service's limits and the tenant's quota. */
export const openDatasetWriter = (
  { store, config }: Pick<ApiServices, 'store' | 'config'>,
  { dataset: { tenant, id }, labels, meter, stream = newStreamId() }: WriterOptions,
): DatasetWriter =>
  createDatasetWriter({
    store,
    tenant,
    dataset: id,
    labels,
    stream,
    admit: meter.take,
    limits: { maxBytes: config.UMBRA_MAX_IMAGE_BYTES, maxPixels: config.UMBRA_MAX_IMAGE_PIXELS },
  });
