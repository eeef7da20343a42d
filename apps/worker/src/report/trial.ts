import { isOutage } from '@umbra/platform/faults';
import { findJobRecord } from '@umbra/platform/store/job-records';
import { putJson } from '@umbra/platform/store/json';
import { keys } from '@umbra/platform/store/keys';
import { readTrial } from '@umbra/platform/store/reports';
import { type Trial, type TrialPayload, trialPayload } from '@umbra/shared/contracts/trial';
import { AppError, isRetryable, reportError } from '@umbra/shared/errors';
import type { Job } from 'bullmq';
import type { TenantJob } from '../jobs/job-record.js';
import { giveBack } from '../runtime/give-back.js';
import { isLastAttempt, isStalledOut } from '../runtime/queue-jobs.js';
import type { StepResult } from '../runtime/step.js';
import { openInputs } from './read-photo.js';
import type { ReportStepServices } from './report-run.js';
import { describeModelOf, elsewhere, runsModel } from './runs-model.js';
import { chooseImages } from './trial/choose-images.js';
import { runArms } from './trial/run-arms.js';
import { watchRequest } from './watch-request.js';

/** How often a trial tells how far it is. */
const tellMs = 3_000;

type StoreServices = Pick<ReportStepServices, 'store' | 'logger'>;

/**
 * Run a trial. One that dies starts over: it is bounded by the images that were asked for. Its cancellation, or
 * the job's deletion, ends it within seconds.
 */
export async function runTrial(
  services: ReportStepServices,
  queued: Job,
  token: string,
): Promise<StepResult> {
  const payload = trialPayload.parse(queued.data);
  const { store, shutdown } = services;
  const { tenant, jobId } = payload;
  const trial = await readOpenTrial(services, payload);
  const job = trial && (await findJobRecord(store, tenant, jobId));
  // Ended already, or deleted with its job.
  if (trial === null || job === null) return dropMarker(services, payload);
  const cancellation = keys.trialCancellation(tenant, jobId, trial.id);
  const isCancelled = async () => (await store.head(cancellation)) !== null;
  const isThere = async () => (await store.head(keys.trial(tenant, jobId, trial.id))) !== null;
  const watch = watchRequest(services, async () => !(await isCancelled()) && (await isThere()));
  let laterMs: number | null = null;
  try {
    await watch.check();
    laterMs = await measure(services, { tenant, job }, trial, watch.signal);
  } catch (error) {
    if (shutdown.aborted) laterMs = 0;
    else if (watch.signal.aborted && !(await isThere())) return dropMarker(services, payload);
    else if (watch.signal.aborted) await endTrial(services, payload, { state: 'cancelled' });
    else if (isOutage(error) || (isRetryable(error) && !isLastAttempt(queued))) throw error;
    else await failTrial(services, payload, error);
  } finally {
    watch.stop();
  }
  return laterMs === null ? {} : giveBack(queued, token, laterMs);
}

/** Fail a trial that no worker survives, so that it ends no further ones. */
export async function failUntried(services: StoreServices, queued: Job): Promise<StepResult> {
  // After any other failure, as of an unreachable store, it is queued again by its marker.
  if (!isStalledOut(queued)) return {};
  const reason = new AppError('internal', 'Its workers ended while they ran it');
  await failTrial(services, trialPayload.parse(queued.data), reason);
  return {};
}

/** @returns After how many ms to try again; null where it has ended. */
async function measure(
  services: ReportStepServices,
  { tenant, job }: TenantJob,
  trial: Trial,
  signal: AbortSignal,
): Promise<number | null> {
  const { store, modelCache, logger } = services;
  const { bundle } = await describeModelOf(services, { tenant, job });
  if (!runsModel(services.config, bundle)) {
    logger.info({ jobId: job.id, trial: trial.id, reason: elsewhere.stage }, 'trial put off');
    return elsewhere.laterMs;
  }
  const chosen = await chooseImages(services, { tenant, job }, trial, signal);
  const total = chosen.covered.length + chosen.others.length;
  let running: Trial = {
    ...{ ...trial, state: 'running', class: chosen.class, progress: { done: 0, total } },
    startedAt: trial.startedAt ?? new Date().toISOString(),
  };
  let toldMs = performance.now();
  const write = async (changes: Partial<Trial>): Promise<void> => {
    running = { ...running, ...changes };
    toldMs = performance.now();
    await putJson(store, keys.trial(tenant, job.id, trial.id), running);
  };
  await write({});
  const advance = async (): Promise<void> => {
    running = { ...running, progress: { done: running.progress.done + 1, total } };
    if (performance.now() - toldMs >= tellMs) await write({});
  };
  const model = await modelCache.open({ tenant, ...job.model });
  const open = openInputs(services, { tenant, job }, model.bundle);
  const [{ fill }, { seed }] = [job.settings, trial.request];
  const result = await runArms(model, chosen, { open, fill, seed, signal, advance });
  signal.throwIfAborted();
  await write({ state: 'completed', endedAt: new Date().toISOString(), result });
  await store.delete(keys.pendingTrial(tenant, job.id, trial.id));
  logger.info({ jobId: job.id, trial: trial.id, images: total }, 'trial completed');
  return null;
}

/** @returns null of a trial that has ended, or is gone. */
async function readOpenTrial(
  { store }: Pick<StoreServices, 'store'>,
  { tenant, jobId, trial }: TrialPayload,
): Promise<Trial | null> {
  const found = await readTrial(store, { tenant, id: jobId }, trial);
  return found?.state === 'queued' || found?.state === 'running' ? found : null;
}

async function dropMarker(
  { store }: Pick<StoreServices, 'store'>,
  { tenant, jobId, trial }: TrialPayload,
): Promise<StepResult> {
  await store.delete(keys.pendingTrial(tenant, jobId, trial));
  return {};
}

async function failTrial(
  services: StoreServices,
  payload: TrialPayload,
  error: unknown,
): Promise<void> {
  const reason = reportError(error);
  await endTrial(services, payload, { state: 'failed', error: reason });
  services.logger.warn(
    { jobId: payload.jobId, trial: payload.trial, error: reason },
    'trial failed',
  );
}

/** End a trial that has no result. */
async function endTrial(
  services: StoreServices,
  payload: TrialPayload,
  end: Pick<Trial, 'state'> & Partial<Pick<Trial, 'error'>>,
): Promise<void> {
  const { tenant, jobId } = payload;
  const trial = await readOpenTrial(services, payload);
  if (trial !== null) {
    const ended: Trial = { ...trial, ...end, endedAt: new Date().toISOString() };
    await putJson(services.store, keys.trial(tenant, jobId, trial.id), ended);
  }
  await dropMarker(services, payload);
}
