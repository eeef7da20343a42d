import type { RequestedReport } from '@umbra/shared/contracts/report';
import type { TenantJob } from '../jobs/job-record.js';
import type { DescribedModel } from '../runtime/model-cache.js';
import type { WorkerServices } from '../services.js';
import type { StatusTeller } from './tell-status.js';

export type ReportStepServices = Pick<
  WorkerServices,
  'store' | 'sources' | 'progress' | 'modelCache' | 'config' | 'logger' | 'shutdown'
>;

/** The writing of one report. */
export type ReportRun = TenantJob & {
  readonly services: ReportStepServices;
  readonly requested: RequestedReport;
  readonly model: DescribedModel;
  readonly teller: StatusTeller;
  readonly signal: AbortSignal;
};
