import { type DatasetItem, readItem } from '@umbra/shared';
import type { Context } from './context.js';

/** @throws {AppError} `not_found`; `integrity` if the bytes are not the ones that were accepted. */
export const readImage = (
  context: Pick<Context, 'store' | 'sources'>,
  tenant: string,
  dataset: string,
  item: DatasetItem,
): Promise<Buffer> => readItem(context, tenant, dataset, item);
