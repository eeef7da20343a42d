import { hasCode, type Stored } from '@umbra/shared';
import type { Context } from '../context.js';

/** Holds a dataset that grows to its tenant's quotas. */
export type DatasetMeter = {
  /** Refuse what cannot take anything, before its bytes are read. @throws {AppError} `quota_exceeded` */
  open(): Promise<void>;
  /** Make room for one more image. @throws {AppError} `quota_exceeded`, and it is not counted */
  take(bytes: number): Promise<void>;
  /** Give back what was set aside beyond what the dataset took. */
  settle(): Promise<void>;
  /** Give all of it back. */
  abandon(): Promise<void>;
};

/** Room is made ahead, so that an image rarely costs a call: as much again, and at most this. */
const ahead = { images: 1_000, bytes: 256 * 1024 * 1024 };

/** @param id Of the dataset, or of one request's part of it: see `UsageBook`. */
export function createDatasetMeter(
  { readTenant, usage }: Pick<Context, 'readTenant' | 'usage'>,
  tenant: string,
  id: string,
): DatasetMeter {
  let taken: Stored = { images: 0, bytes: 0 };
  /** One at a time: each rests on what the one before it took. */
  let turn: Promise<void> = Promise.resolve();
  let granted = taken;
  const reserve = async (stored: Stored): Promise<void> => {
    const { quotas } = await readTenant(tenant);
    await usage.reserveDataset(tenant, quotas, id, stored);
    granted = stored;
  };
  const reserveAhead = async ({ images, bytes }: Stored): Promise<void> => {
    const more = {
      images: images + Math.min(images, ahead.images),
      bytes: bytes + Math.min(bytes, ahead.bytes),
    };
    try {
      await reserve(more);
    } catch (error) {
      if (!hasCode(error, 'quota_exceeded')) throw error;
      await reserve({ images, bytes });
    }
  };
  return {
    open: () => reserve({ images: 1, bytes: 1 }),
    take(bytes) {
      const taking = turn.then(async () => {
        const next = { images: taken.images + 1, bytes: taken.bytes + bytes };
        const fits = next.images <= granted.images && next.bytes <= granted.bytes;
        if (!fits) await reserveAhead(next);
        taken = next;
      });
      turn = taking.catch(() => undefined);
      return taking;
    },
    settle: () => reserve(taken),
    abandon: () => usage.releaseDataset(tenant, id),
  };
}
