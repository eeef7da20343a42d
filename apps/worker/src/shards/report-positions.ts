import type { ShardPayload } from '@umbra/shared/contracts/shard';
import { reportError } from '@umbra/shared/errors';
import { imageIndexOf } from '@umbra/shared/ids';
import { publishProgress } from '../jobs/publish-events.js';
import type { WorkerServices } from '../services.js';

type ReportServices = Pick<WorkerServices, 'progress' | 'events' | 'logger'>;

/** Tells of a shard's positions while they are computed: a large shard takes minutes. */
export type PositionReport = {
  /** Positions that were computed since the last call. */
  add(positions: number): void;
  /** @param positions All of the shard's, reused ones too. Never rejects. */
  finish(positions: number): Promise<void>;
};

const everyMs = 1_000;

/** @param now Clock, ms. */
export function openPositionReport(
  services: ReportServices,
  shard: ShardPayload,
  now = () => performance.now(),
): PositionReport {
  const { tenant, jobId, item, rowStart } = shard;
  let done = 0;
  let told = 0;
  let nextMs = now() + everyMs;
  const tell = async (): Promise<void> => {
    const counted = { image: imageIndexOf(item.id), rowStart, done, fresh: done - told };
    told = done;
    nextMs = now() + everyMs;
    try {
      await services.progress.countPositions(jobId, counted);
    } catch (reason) {
      services.logger.warn({ jobId, error: reportError(reason) }, 'positions not counted');
    }
    await publishProgress(services, { tenant, id: jobId });
  };
  return {
    add(positions) {
      done += positions;
      if (now() >= nextMs) void tell();
    },
    finish(positions) {
      done = positions;
      return tell();
    },
  };
}
