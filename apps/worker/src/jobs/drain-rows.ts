import { putRowSegment } from '@umbra/platform/store/row-segments';
import type { Reference } from '@umbra/shared/contracts/reference';
import type { WorkerServices } from '../services.js';

/** Rows of one segment: about a megabyte that is held at once. */
export const maxSegmentRows = 4_096;

/**
 * Put the rows of a job's finished images into the store, until Redis holds none.
 *
 * A segment is written before its rows are forgotten, and they are forgotten once: where a process dies in
 * between, or two drain at once, some rows are in two segments, which says the same twice.
 */
export async function drainRows(
  { store, progress }: Pick<WorkerServices, 'store' | 'progress'>,
  job: Reference,
): Promise<void> {
  for (;;) {
    const { epoch, drained, rows } = await progress.readRows(job.id, { limit: maxSegmentRows });
    if (rows.length === 0) return;
    await putRowSegment(store, job, rows);
    await progress.dropRows(job.id, { epoch, drained, count: rows.length });
  }
}
