import { randomUUID } from 'node:crypto';
import { type Lease, nameRun } from '@umbra/platform/redis/lease';
import {
  describePoison,
  describeSetAside,
  type ImageAttempt,
  isConvicted,
  type KnownLosses,
  type LossLedger,
} from '@umbra/platform/redis/losses';
import type { Logger } from '@umbra/platform/telemetry/logger';
import { removeDeadFolders } from '@umbra/platform/temporary-folders';
import type { ShardPayload } from '@umbra/shared/contracts/shard';
import { AppError, unavailable } from '@umbra/shared/errors';
import type { WorkerConfig } from '../config.js';
import type { WorkerMetrics } from '../observability/worker-metrics.js';
import type { ComputeRows, LostRows, RunRows } from '../shards/run-rows.js';
import { type ApartOutcome, type Child, startChild } from './child.js';
import type { ApartRequest, MergeRequest } from './messages.js';

/**
 * Runs suspects in a child process: one at a time, so that their memory is bounded, and an image in one process of
 * the fleet, so that it costs no more of them than it takes to convict it.
 */
export type Apart = {
  /**
   * @returns null while another suspect runs here, or the image runs apart elsewhere: what waits would hold its
   *   slot, its lock and its leases.
   */
  enter(image: ImageAttempt): Promise<ApartTurn | null>;
  /** End the child process. Never rejects. */
  close(): Promise<void>;
};

/** The right to run one suspect. */
export type ApartTurn = {
  /**
   * Compute rows of a shard's image in the child process, again where it ends meanwhile.
   *
   * @throws {AppError} `poison` once the image has ended too many of them, or its model is set aside;
   *   `cancelled` by the signal; and what the process reports.
   */
  compute(shard: ShardPayload, signal: AbortSignal): ComputeRows;
  /** Write an image's results, as `writeResults` does. @throws {AppError} As `compute`. */
  merge(request: MergeRequest, signal: AbortSignal): Promise<RunRows | LostRows>;
  leave(): void;
};

export type ApartOptions = {
  readonly config: Readonly<WorkerConfig>;
  readonly losses: Pick<LossLedger, 'read' | 'record'>;
  /** Held while an image runs apart. */
  readonly lease: Lease;
  readonly logger: Pick<Logger, 'warn'>;
  readonly metrics: Pick<WorkerMetrics, 'recordApartDeath'>;
  /** Starts the child process. */
  readonly start?: (config: Readonly<WorkerConfig>) => Promise<Child>;
};

type ImageRequest = Extract<ApartRequest, { readonly kind: 'compute' | 'merge' }>;

/** The shards of a lost worker follow each other; after them the process is not needed. */
const idleMs = 10_000;

export function createApart({
  config,
  losses,
  lease,
  logger,
  metrics,
  start = startChild,
}: ApartOptions): Apart {
  let child: Child | undefined;
  let idle: NodeJS.Timeout | undefined;
  let isTaken = false;
  const end = async () => {
    const ending = child;
    child = undefined;
    await ending?.end();
  };
  const ask = async (request: ImageRequest, signal: AbortSignal): Promise<ApartOutcome> => {
    clearTimeout(idle);
    try {
      if (child?.isUp() !== true) child = await start(config);
      return await child.ask(request, signal);
    } finally {
      // What one that was killed has converted.
      if (child?.isUp() !== true) removeDeadFolders().catch(() => undefined);
      idle = setTimeout(() => void end(), idleMs).unref();
    }
  };
  const run = async (request: ImageRequest, signal: AbortSignal): Promise<RunRows | LostRows> => {
    const image = request.kind === 'merge' ? request.image : request.shard;
    for (;;) {
      if (signal.aborted) throw new AppError('cancelled', 'The work was cancelled');
      // Other shards of the image may have been run while this one waited.
      assertRunnable(image, await losses.read(image), request.kind);
      const outcome = await ask(request, signal);
      if ('rows' in outcome) return outcome.rows;
      if ('error' in outcome) {
        const { code, message } = outcome.error;
        throw outcome.isOutage ? unavailable(message) : new AppError(code, message);
      }
      const { jobId, item, model } = image;
      logger.warn(
        { jobId, imageId: item.id, sha256: item.sha256, model, seen: outcome.died },
        'process ended at an image',
      );
      const work = request.kind === 'merge' ? 'merge' : 'rows';
      metrics.recordApartDeath(work);
      await losses.record(image, outcome.died, work);
    }
  };
  const turnOf = (leave: () => void): ApartTurn => ({
    compute: (shard: ShardPayload, signal: AbortSignal): ComputeRows => {
      return async (range) => {
        const rows = await run({ kind: 'compute', shard, range }, signal);
        if ('lost' in rows) throw new TypeError('Expected computed rows, got lost ones');
        return rows;
      };
    },
    merge: (request: MergeRequest, signal: AbortSignal) =>
      run({ kind: 'merge', ...request }, signal),
    leave,
  });
  return {
    async enter(image) {
      if (isTaken) return null;
      isTaken = true;
      const held = [nameRun(image), randomUUID()] as const;
      try {
        isTaken = (await lease.claim(...held)) !== 'taken';
      } catch (error) {
        isTaken = false;
        throw error;
      }
      if (!isTaken) return null;
      const stopRenewing = lease.renew(...held);
      return turnOf(() => {
        isTaken = false;
        stopRenewing();
        // Best effort: it lapses.
        lease.release(...held).catch(() => undefined);
      });
    },
    async close() {
      clearTimeout(idle);
      await end();
    },
  };
}

/** @throws {AppError} `poison` */
function assertRunnable(
  image: ImageAttempt,
  { seen, setAside }: KnownLosses,
  kind: ImageRequest['kind'],
): void {
  // A merge does not run the model.
  if (setAside !== null && kind === 'compute') {
    throw new AppError('poison', describeSetAside(image.model.name, setAside));
  }
  if (!isConvicted(seen)) return;
  const { code, message } = describePoison(image, seen);
  throw new AppError(code, message);
}
