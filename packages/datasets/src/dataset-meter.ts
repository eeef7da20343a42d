import type { Stored, UsageLedger } from '@umbra/platform/redis/usage-ledger';
import type { TenantReader } from '@umbra/platform/tenancy/tenant-reader';
import { hasCode } from '@umbra/shared/errors';

/** Holds a dataset that grows to its tenant's quotas. */
export type DatasetMeter = {
  /** Refuse what cannot take anything, before its bytes are read. @throws {AppError} `quota_exceeded` */
  open(): Promise<void>;
  /**
   * Make room for one more image.
   *
   * @returns undefined where there was room, as there is for most images: a manifest has a million lines.
   * @throws {AppError} In the promise: `quota_exceeded`, and it is not counted.
   */
  take(bytes: number): Promise<void> | undefined;
  /** Give back what was set aside beyond what the dataset took. */
  settle(): Promise<void>;
  /** Give all of it back. */
  abandon(): Promise<void>;
};

export type MeterStart = {
  /** What was taken before, as by a process that died. */
  readonly taken?: Stored;
  /** What is kept in any case: it was promised, or lies in the store already. */
  readonly floor?: Stored;
};

/** Room is made ahead, so that an image rarely costs a call: as much again, and at most this. */
const ahead = { images: 1_000, bytes: 256 * 1024 * 1024 };
/** Near a quota's end less is made ahead, and at last none. */
const minShare = 1 / 1024;
const none: Stored = { images: 0, bytes: 0 };
const one: Stored = { images: 1, bytes: 1 };

/** @param id Of the dataset, or of one request's or source's part of it: see `UsageLedger`. */
export function createDatasetMeter(
  { readTenant, usage }: { readonly readTenant: TenantReader; readonly usage: UsageLedger },
  tenant: string,
  id: string,
  { taken: before = none, floor = none }: MeterStart = {},
): DatasetMeter {
  let taken = before;
  let granted = none;
  let share = 1;
  /** One at a time: each rests on what the one before it took. */
  let turn: Promise<void> = Promise.resolve();
  let waiting = 0;

  const reserve = async (stored: Stored): Promise<void> => {
    const { quotas } = await readTenant(tenant);
    const whole = larger(stored, floor);
    await usage.reserveDataset(tenant, quotas, id, whole);
    granted = whole;
  };
  const reserveAhead = async ({ images, bytes }: Stored): Promise<void> => {
    for (; share >= minShare; share /= 4) {
      const moreImages = Math.floor(share * Math.min(images, ahead.images));
      // As large as those before.
      const moreBytes = Math.ceil((moreImages * bytes) / images);
      const more = {
        images: images + moreImages,
        bytes: bytes + Math.min(moreBytes, Math.floor(share * ahead.bytes)),
      };
      try {
        return await reserve(more);
      } catch (error) {
        if (!hasCode(error, 'quota_exceeded')) throw error;
      }
    }
    await reserve({ images, bytes });
  };
  const withOne = (bytes: number): Stored => ({
    images: taken.images + 1,
    bytes: taken.bytes + bytes,
  });
  const isGranted = ({ images, bytes }: Stored): boolean =>
    images <= granted.images && bytes <= granted.bytes;

  return {
    open: () => reserve(larger(taken, one)),
    take(bytes) {
      if (waiting === 0 && isGranted(withOne(bytes))) {
        taken = withOne(bytes);
        return undefined;
      }
      waiting += 1;
      const taking = turn
        .then(async () => {
          const next = withOne(bytes);
          if (!isGranted(next)) await reserveAhead(next);
          taken = next;
        })
        .finally(() => {
          waiting -= 1;
        });
      turn = taking.catch(() => undefined);
      return taking;
    },
    settle: () => reserve(taken),
    abandon: () => usage.releaseDataset(tenant, id),
  };
}

const larger = (first: Stored, second: Stored): Stored => ({
  images: Math.max(first.images, second.images),
  bytes: Math.max(first.bytes, second.bytes),
});
