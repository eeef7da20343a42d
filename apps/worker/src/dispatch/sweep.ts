import { findRemains, type Remains } from '@umbra/datasets';
import { reportError } from '@umbra/shared/errors';
import type { WorkerServices } from '../services.js';
import { type RetentionServices, sweepRetention } from './retention.js';

export type SweepServices = RetentionServices &
  Pick<WorkerServices, 'config' | 'closing' | 'metrics'>;

/** A round ends after either, and the next goes on where it ended. */
const roundMs = 10_000;
const maxRemoved = 1_000;
const dayMs = 24 * 3600 * 1000;

/**
 * Delete what is kept no longer, and what dead processes left. Two sweepers at once do no harm.
 *
 * @returns A function that runs a round, unless one is running. It never rejects.
 */
export function createSweeper(services: SweepServices): () => Promise<void> {
  const { logger } = services;
  let remains: AsyncGenerator<Remains | null> | undefined;
  let isBusy = false;
  const round = async (): Promise<void> => {
    await sweepRetention(services);
    remains ??= openRemains(services);
    if (await removeRemains(services, remains)) remains = undefined;
  };
  return async () => {
    if (isBusy) return;
    isBusy = true;
    await round().catch((error: unknown) => {
      remains = undefined;
      logger.warn({ error: reportError(error) }, 'sweep failed');
    });
    isBusy = false;
  };
}

const openRemains = ({ store, usage, config }: SweepServices) =>
  findRemains({
    store,
    abandonedMs: config.UMBRA_ABANDONED_MS,
    keepScoresMs:
      config.UMBRA_KEEP_SCORES_DAYS === undefined
        ? undefined
        : config.UMBRA_KEEP_SCORES_DAYS * dayMs,
    // Without Redis the next count of the store puts it right.
    onRemoved: (tenant, dataset) => usage.releaseDataset(tenant, dataset).catch(() => undefined),
  });

/** @returns Whether all were looked at. */
async function removeRemains(
  { logger, closing, metrics }: Pick<SweepServices, 'logger' | 'closing' | 'metrics'>,
  remains: AsyncGenerator<Remains | null>,
): Promise<boolean> {
  const ending = AbortSignal.any([AbortSignal.timeout(roundMs), closing]);
  for (let removed = 0; removed < maxRemoved && !ending.aborted; ) {
    const { done, value: found } = await remains.next();
    if (done) return true;
    if (found === null) continue;
    const { kind, name } = found;
    try {
      await found.remove(ending);
      removed += 1;
      metrics.recordRemoval(kind);
      logger.info({ kind, name }, 'remains deleted');
    } catch (error) {
      // One that cannot be deleted does not keep the others.
      if (!ending.aborted)
        logger.warn({ kind, name, error: reportError(error) }, 'remains not deleted');
    }
  }
  return false;
}
