import { isOutage } from '@umbra/platform/faults';
import { findJobRecord } from '@umbra/platform/store/job-records';
import { keys } from '@umbra/platform/store/keys';
import { deleteLateFiles, readReportRequest, statusOf } from '@umbra/platform/store/reports';
import type { Reference } from '@umbra/shared/contracts/reference';
import { type RequestedReport, reportPayload } from '@umbra/shared/contracts/report';
import { AppError, isRetryable, reportError } from '@umbra/shared/errors';
import type { Job } from 'bullmq';
import type { TenantJob } from '../jobs/job-record.js';
import { giveBack } from '../runtime/give-back.js';
import { isLastAttempt, isStalledOut } from '../runtime/queue-jobs.js';
import type { StepResult } from '../runtime/step.js';
import type { ReportStepServices } from './report-run.js';
import { describeModelOf, elsewhere, runsModel } from './runs-model.js';
import { openStatusTeller, type StatusTeller } from './tell-status.js';
import { watchRequest } from './watch-request.js';
import { writeReport } from './write-report.js';

/** A job that goes on is looked at again after this time, ms, or so many times what its report took. */
const again = { minMs: 15_000, restShare: 4 };

type WantedReport = TenantJob & { readonly requested: RequestedReport };

/**
 * Write the report of a job, and once more as images end, until the job has ended and every result was read.
 * Evidence is kept segment by segment, so that a run that dies is continued. A newer request, or the deletion of
 * the report or the job, ends a run within seconds.
 */
export async function runReport(
  services: ReportStepServices,
  queued: Job,
  token: string,
): Promise<StepResult> {
  const { tenant, jobId } = reportPayload.parse(queued.data);
  const wanted = await readWanted(services, { tenant, id: jobId });
  if (wanted === null) {
    await services.store.delete(keys.pendingReport(tenant, jobId));
    await deleteLateFiles(services.store, { tenant, id: jobId });
    // By a request that came meanwhile, and could not be queued beside this.
    const isAskedFor = (await readWanted(services, { tenant, id: jobId })) !== null;
    return isAskedFor ? giveBack(queued, token) : {};
  }
  const isWanted = async () => {
    const now = await readWanted(services, { tenant, id: jobId });
    return now?.requested.requestedAt === wanted.requested.requestedAt;
  };
  const watch = watchRequest(services, isWanted);
  const teller = await openTeller(services, wanted);
  let laterMs: number | null = null;
  try {
    laterMs = await writeWanted(services, wanted, { teller, signal: watch.signal });
  } catch (error) {
    // It is looked at anew what is wanted, if anything is; by another process where this one ends.
    if (watch.signal.aborted) laterMs = 0;
    else if (isOutage(error) || (isRetryable(error) && !isLastAttempt(queued))) throw error;
    else await failReport(services, wanted, error);
  } finally {
    watch.stop();
  }
  // A request that came as this run ended could not be queued beside it, and what was written of a report that was
  // deleted meanwhile is to go.
  if (!(await isWanted())) laterMs = 0;
  return laterMs === null ? {} : giveBack(queued, token, laterMs);
}

/** Fail a report that no worker survives, so that it ends no further ones. */
export async function failUnreported(
  services: Pick<ReportStepServices, 'store' | 'logger'>,
  queued: Job,
): Promise<StepResult> {
  // After any other failure, as of an unreachable store, it is queued again by its marker.
  if (!isStalledOut(queued)) return {};
  const { tenant, jobId } = reportPayload.parse(queued.data);
  const wanted = await readWanted(services, { tenant, id: jobId });
  const reason = new AppError('internal', 'Its workers ended while they wrote it');
  if (wanted !== null) await failReport(services, wanted, reason);
  return {};
}

/** @returns null where the report, or its job, was deleted. */
async function readWanted(
  { store }: Pick<ReportStepServices, 'store'>,
  { tenant, id }: Reference,
): Promise<WantedReport | null> {
  const requested = await readReportRequest(store, { tenant, id });
  const job = requested && (await findJobRecord(store, tenant, id));
  return requested && job && { tenant, job, requested };
}

async function openTeller(
  { store }: Pick<ReportStepServices, 'store'>,
  { tenant, job, requested }: WantedReport,
): Promise<StatusTeller> {
  const reference = { tenant, id: job.id };
  return openStatusTeller(store, reference, await statusOf(store, reference, requested));
}

/** @returns After how many ms to look again; null where nothing is to come. */
async function writeWanted(
  services: ReportStepServices,
  { tenant, job, requested }: WantedReport,
  { teller, signal }: { readonly teller: StatusTeller; readonly signal: AbortSignal },
): Promise<number | null> {
  const { store, logger } = services;
  const { state, startedAt, writtenAt } = teller.status();
  if (state === 'completed' || state === 'failed') return null;
  // As it may have been deleted with an earlier request's.
  await store.put(keys.pendingReport(tenant, job.id), '');
  if ((await store.head(keys.manifest(tenant, job.dataset))) === null) {
    throw new AppError('conflict', `Dataset '${job.dataset}' was deleted`);
  }
  const model = await describeModelOf(services, { tenant, job });
  if (!runsModel(services.config, model.bundle)) {
    await teller.write({ stage: elsewhere.stage });
    return elsewhere.laterMs;
  }
  const beganMs = performance.now();
  const now = new Date().toISOString();
  await teller.write({ state: 'running', startedAt: startedAt ?? now });
  const run = { services, tenant, job, requested, model, teller, signal };
  const isWritten = startedAt !== null && writtenAt !== null && writtenAt >= startedAt;
  const report = await writeReport(run, isWritten);
  const tookMs = performance.now() - beganMs;
  const said = report === null ? {} : { writtenAt: report.writtenAt };
  if (report?.isComplete !== true || !(await isOfAttempt(store, tenant, job))) {
    await teller.write({ ...said, stage: null });
    return Math.max(again.minMs, again.restShare * tookMs);
  }
  const completedAt = new Date().toISOString();
  await teller.write({ ...said, state: 'completed', completedAt, stage: null });
  await store.delete(keys.pendingReport(tenant, job.id));
  logger.info({ jobId: job.id, images: report.images.read, ms: tookMs }, 'report written');
  return null;
}

/** Whether a job was not retried meanwhile, which brings more images. */
async function isOfAttempt(
  store: ReportStepServices['store'],
  tenant: string,
  { id, attempt }: TenantJob['job'],
): Promise<boolean> {
  return (await findJobRecord(store, tenant, id))?.attempt === attempt;
}

async function failReport(
  { store, logger }: Pick<ReportStepServices, 'store' | 'logger'>,
  wanted: WantedReport,
  error: unknown,
): Promise<void> {
  const { tenant, job } = wanted;
  const teller = await openTeller({ store }, wanted);
  await teller.write({ state: 'failed', stage: null, error: reportError(error) });
  await store.delete(keys.pendingReport(tenant, job.id));
  logger.warn({ jobId: job.id, error: reportError(error) }, 'report failed');
}
