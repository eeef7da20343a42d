import {
  describePoison,
  describeSetAside,
  isConvicted,
  type LossLedger,
} from '@umbra/platform/redis/losses';
import type { Logger } from '@umbra/platform/telemetry/logger';
import { removeDeadFolders } from '@umbra/platform/temporary-folders';
import type { ShardPayload } from '@umbra/shared/contracts/shard';
import { AppError, unavailable } from '@umbra/shared/errors';
import type { WorkerConfig } from '../../config.js';
import type { ComputeRows } from '../run-rows.js';
import { type ApartOutcome, type Child, startChild } from './child.js';

/** Runs suspects in a child process: one at a time, so that their memory is bounded. */
export type Apart = {
  /** @returns null while another suspect runs: what waits here would hold its slot, its lock and its leases. */
  enter(): ApartTurn | null;
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
  leave(): void;
};

export type ApartOptions = {
  readonly config: Readonly<WorkerConfig>;
  readonly losses: Pick<LossLedger, 'read' | 'record'>;
  readonly logger: Pick<Logger, 'warn'>;
  /** Starts the child process. */
  readonly start?: (config: Readonly<WorkerConfig>) => Promise<Child>;
};

/** The shards of a lost worker follow each other; after them the process is not needed. */
const idleMs = 10_000;

export function createApart({ config, losses, logger, start = startChild }: ApartOptions): Apart {
  let child: Child | undefined;
  let idle: NodeJS.Timeout | undefined;
  let isTaken = false;
  const end = async () => {
    const ending = child;
    child = undefined;
    await ending?.end();
  };
  const ask = async (
    request: { readonly shard: ShardPayload; readonly range: Parameters<ComputeRows>[0] },
    signal: AbortSignal,
  ): Promise<ApartOutcome> => {
    clearTimeout(idle);
    try {
      if (child?.isUp() !== true) child = await start(config);
      return await child.ask({ kind: 'compute', ...request }, signal);
    } finally {
      // What one that was killed has converted.
      if (child?.isUp() !== true) removeDeadFolders().catch(() => undefined);
      idle = setTimeout(() => void end(), idleMs).unref();
    }
  };
  const compute =
    (shard: ShardPayload, signal: AbortSignal): ComputeRows =>
    async (range) => {
      for (;;) {
        if (signal.aborted) throw new AppError('cancelled', 'The work was cancelled');
        // Other shards of the image may have been run while this one waited.
        assertRunnable(shard, await losses.read(shard));
        const outcome = await ask({ shard, range }, signal);
        if ('rows' in outcome) return outcome.rows;
        if ('error' in outcome) {
          const { code, message } = outcome.error;
          throw outcome.isOutage ? unavailable(message) : new AppError(code, message);
        }
        const { jobId, item, model } = shard;
        logger.warn(
          { jobId, imageId: item.id, sha256: item.sha256, model, seen: outcome.died },
          'process ended at an image',
        );
        await losses.record(shard, outcome.died);
      }
    };
  return {
    enter() {
      if (isTaken) return null;
      isTaken = true;
      return {
        compute,
        leave() {
          isTaken = false;
        },
      };
    },
    async close() {
      clearTimeout(idle);
      await end();
    },
  };
}

/** @throws {AppError} `poison` */
function assertRunnable(
  shard: ShardPayload,
  { seen, setAside }: Awaited<ReturnType<LossLedger['read']>>,
): void {
  if (setAside !== null) {
    throw new AppError('poison', describeSetAside(shard.model.name, setAside));
  }
  if (!isConvicted(seen)) return;
  const { code, message } = describePoison(shard, seen);
  throw new AppError(code, message);
}
