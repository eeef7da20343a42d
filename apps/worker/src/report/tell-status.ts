import { putJson } from '@umbra/platform/store/json';
import { keys } from '@umbra/platform/store/keys';
import type { ObjectStore } from '@umbra/platform/store/store';
import type { Reference } from '@umbra/shared/contracts/reference';
import type { ReportStatus } from '@umbra/shared/contracts/report';

/** Stages of a report, in their order. */
export type ReportStage = 'evidence' | 'patches' | 'checks' | 'tables';

/** Tells how far a report is: at each stage's begin, and every few seconds within it. */
export type StatusTeller = {
  begin(stage: ReportStage, total: number): Promise<void>;
  advance(images: number): Promise<void>;
  /** Write the status with changes, whenever it was last written. */
  write(changes: Partial<ReportStatus>): Promise<void>;
  /** As it was last told. */
  status(): ReportStatus;
};

const everyMs = 3_000;

/** @param told The status as it was last told. */
export function openStatusTeller(
  store: ObjectStore,
  { tenant, id }: Reference,
  told: ReportStatus,
): StatusTeller {
  let status = told;
  let writtenMs = 0;
  const write = async (changes: Partial<ReportStatus>): Promise<void> => {
    status = { ...status, ...changes };
    writtenMs = performance.now();
    await putJson(store, keys.reportStatus(tenant, id), status);
  };
  return {
    write,
    status: () => status,
    begin: (stage, total) => write({ stage, progress: { done: 0, total } }),
    async advance(images) {
      const { done, total } = status.progress;
      const progress = { done: Math.min(done + images, total), total };
      if (performance.now() - writtenMs >= everyMs) await write({ progress });
      else status = { ...status, progress };
    },
  };
}
