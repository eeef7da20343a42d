import { setTimeout as sleep } from 'node:timers/promises';
import { matchKey } from '@umbra/platform/store/key-layout';
import { keys } from '@umbra/platform/store/keys';
import { reportError } from '@umbra/shared/errors';
import type { Job } from 'bullmq';
import { resumeReports } from '../report/resume-reports.js';
import { giveBack } from '../runtime/give-back.js';
import type { StepResult } from '../runtime/step.js';
import type { WorkerServices } from '../services.js';
import { resumeWebhooks } from '../webhooks/resume-webhooks.js';
import { createDispatcher } from './dispatcher.js';
import {
  createFleetSnapshotReader,
  type FleetSnapshot,
  type SnapshotServices,
} from './fleet-snapshot.js';
import { createJobIndexer } from './index-jobs.js';
import { createSweeper, type SweepServices } from './sweep.js';
import type { TransitionServices } from './transitions/run-transition.js';

const tickMs = 50;
const faultMs = 500;
const snapshotMs = 1_000;

export type DispatchServices = TransitionServices &
  SnapshotServices &
  SweepServices &
  Pick<WorkerServices, 'closing' | 'reportQueue' | 'trialQueue'>;

/**
 * Share the queues between all jobs, for as long as this process lives.
 *
 * There is one queue job for this, so the fleet has one dispatcher: whoever holds its lock. When the
 * process ends, another takes it over; when Redis is lost, so is the lock, and this ends.
 */
export async function runDispatch(
  services: DispatchServices,
  job: Job,
  token: string,
): Promise<StepResult> {
  const { closing, logger, config } = services;
  const dispatcher = createDispatcher(services);
  const sweep = createSweeper(services);
  const indexJobs = createJobIndexer(services);
  const readSnapshot = createFleetSnapshotReader(services, () => dispatcher.tenants());
  const scan = createScanner(services);
  let snapshot: FleetSnapshot | undefined;
  const due = { snapshot: 0, sweep: 0 };
  const isDue = (what: keyof typeof due, everyMs: number): boolean => {
    if (Date.now() < due[what]) return false;
    due[what] = Date.now() + everyMs;
    return true;
  };
  while (!closing.aborted) {
    try {
      if (snapshot === undefined || isDue('snapshot', snapshotMs)) {
        // BullMQ renews the lock by itself, and does not report its loss.
        if ((await job.extendLock(token, config.UMBRA_LOCK_MS)) !== 1) {
          logger.warn('dispatcher lock lost');
          return {};
        }
        snapshot = await readSnapshot();
      }
      scan();
      if (isDue('sweep', config.UMBRA_RESUME_MS)) {
        void sweep();
        void indexJobs();
      }
      const { launched, hasMore } = await dispatcher.tick(snapshot);
      await sleep(launched > 0 || hasMore ? tickMs / 10 : tickMs);
    } catch (error) {
      logger.warn({ error: reportError(error) }, 'dispatcher tick failed');
      await sleep(faultMs);
    }
  }
  await dispatcher.settle();
  // Given back, not completed: another process continues.
  return giveBack(job, token);
}

/** A scan takes at most this part of the time. */
const scanShare = 0.02;

/** @returns Begins a scan of the store's markers beside the loop, unless one is in progress or none is due. */
function createScanner(services: DispatchServices): () => void {
  let dueMs = 0;
  const run = async (): Promise<void> => {
    const beganMs = performance.now();
    await registerUnfinished(services);
    await resumeWebhooks(services);
    await resumeReports(services);
    const tookMs = performance.now() - beganMs;
    dueMs = Date.now() + Math.max(services.config.UMBRA_RESUME_MS, tookMs / scanShare);
  };
  return () => {
    if (Date.now() < dueMs) return;
    dueMs = Number.POSITIVE_INFINITY;
    run().catch((error: unknown) => {
      services.logger.warn({ error: reportError(error) }, 'unfinished work not looked for');
      dueMs = Date.now() + faultMs;
    });
  };
}

/** Register jobs that Redis lost, or that a step gave up while the store was unreachable. */
async function registerUnfinished({
  store,
  progress,
  logger,
}: Pick<WorkerServices, 'store' | 'progress' | 'logger'>): Promise<void> {
  const registered = await progress.listRegistered();
  for await (const { key } of store.list(keys.allActiveJobs())) {
    const marked = matchKey('activeJob', key);
    if (marked === null || registered.has(marked.id)) continue;
    const { tenant, id: jobId } = marked;
    await progress.register(tenant, jobId);
    logger.info({ jobId }, 'unfinished job registered');
  }
}
