import { enqueueReport, enqueueTrial } from '@umbra/platform/queues/enqueue';
import { matchKey } from '@umbra/platform/store/key-layout';
import { keys } from '@umbra/platform/store/keys';
import type { WorkerServices } from '../services.js';

type ResumeReportServices = Pick<WorkerServices, 'store' | 'reportQueue' | 'trialQueue'>;

/** Queue the reports and trials again that were lost with Redis; those that are queued are not queued twice. */
export async function resumeReports(services: ResumeReportServices): Promise<void> {
  const { store, reportQueue, trialQueue } = services;
  for await (const { key } of store.list(keys.pendingReports())) {
    const marked = matchKey('pendingReport', key);
    if (marked !== null) await enqueueReport(reportQueue, marked);
  }
  for await (const { key } of store.list(keys.pendingTrials())) {
    const marked = matchKey('pendingTrial', key);
    if (marked === null) continue;
    await enqueueTrial(trialQueue, { tenant: marked.tenant, id: marked.job }, marked.trial);
  }
}
