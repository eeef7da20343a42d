import { readItem } from '@umbra/platform/store/read-item';
import type { DatasetItem } from '@umbra/shared/contracts/dataset';
import type { WorkerServices } from '../services.js';

/** @throws {AppError} `not_found`; `integrity` if the bytes are not the ones that were accepted. */
export const readImage = (
  services: Pick<WorkerServices, 'store' | 'sources'>,
  tenant: string,
  dataset: string,
  item: DatasetItem,
): Promise<Buffer> => readItem(services, tenant, dataset, item);
