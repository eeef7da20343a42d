import { readItem } from '@umbra/platform/store/read-item';
import type { DatasetItem } from '@umbra/shared/contracts/dataset';
import type { Context } from '../services.js';

/** @throws {AppError} `not_found`; `integrity` if the bytes are not the ones that were accepted. */
export const readImage = (
  context: Pick<Context, 'store' | 'sources'>,
  tenant: string,
  dataset: string,
  item: DatasetItem,
): Promise<Buffer> => readItem(context, tenant, dataset, item);
