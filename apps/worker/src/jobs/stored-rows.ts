import { listErrors, listResults } from '@umbra/platform/store/list-ended';
import { makeRow } from '@umbra/platform/store/make-row';
import { readRowEndings } from '@umbra/platform/store/row-segments';
import { mapInOrder } from '@umbra/shared/concurrency';
import type { StoredRow } from '@umbra/shared/contracts/row';
import { hasCode, reportError } from '@umbra/shared/errors';
import { imageIndexOf } from '@umbra/shared/ids';
import type { WorkerServices } from '../services.js';
import type { TenantJob } from './job-record.js';

/** A finished image, and its row where no segment has it. */
export type CountedImage = { readonly image: string; readonly row: string | null };

/** Finished images of a job as the store has them. */
export type StoredRows = {
  ofResults(): AsyncIterable<CountedImage>;
  ofErrors(): AsyncIterable<CountedImage>;
};

/** Rows that are made from the store at once. */
const readsAtOnce = 16;
/** What the segments say of an image, a byte each. */
const codes = { completed: 1, failed: 2 } as const;

/** Read which rows a job's segments have; those that Redis lost before they were in one are made again. */
export async function openStoredRows(
  { store, logger }: Pick<WorkerServices, 'store' | 'logger'>,
  { tenant, job }: TenantJob,
): Promise<StoredRows> {
  const known = new Uint8Array(job.counts.total);
  try {
    for await (const { id, state, attempt } of readRowEndings(store, { tenant, id: job.id })) {
      // Images that failed in an attempt before this one are run again.
      if (state === 'failed' && attempt < job.attempt) continue;
      known[imageIndexOf(id)] = codes[state];
    }
  } catch (error) {
    if (!hasCode(error, 'integrity')) throw error;
    logger.warn({ jobId: job.id, error: reportError(error) }, 'rows made again after damage');
    known.fill(0);
  }
  const attempt = { tenant, id: job.id, attempt: job.attempt };
  const find = (images: AsyncIterable<string>, outcome: StoredRow['state']) =>
    mapInOrder(images, { atOnce: readsAtOnce }, (image): CountedImage | Promise<CountedImage> => {
      if (known[imageIndexOf(image)] === codes[outcome]) return { image, row: null };
      return makeRow(store, attempt, image, { state: outcome }).then((row) => ({ image, row }));
    });
  return {
    ofResults: () => find(listResults(store, { tenant, id: job.id }), 'completed'),
    ofErrors: () => find(listErrors(store, { tenant, id: job.id }), 'failed'),
  };
}
