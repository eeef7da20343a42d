import { isOver, type ReportOptions, type ReportStatus, type UmbraClient } from '@umbra/client';
import { hasCode } from '@umbra/shared/errors';
import { createProgressBar, type ProgressBar } from './progress-bar.js';
import { pollMs } from './service.js';

/** Ask for a report; without wishes of one's own, one that is being made is joined. */
export async function askForReport(
  client: UmbraClient,
  job: string,
  request: ReportOptions | null,
): Promise<ReportStatus> {
  if (request !== null) return client.requestReport(job, request);
  const known = await client.getReportStatus(job).catch((error: unknown) => {
    if (hasCode(error, 'not_found')) return null;
    throw error;
  });
  return known !== null && !isOver(known) ? known : client.requestReport(job);
}

/** Show how far a report is until it is made, or cannot be: a bar for each of its stages. */
export async function followReport(client: UmbraClient, job: string): Promise<ReportStatus> {
  let stage: string | null = null;
  let bar: ProgressBar | null = null;
  const status = await client.waitForReport(job, {
    pollMs,
    onStatus(told) {
      if (told.stage !== stage) {
        bar?.end();
        stage = told.stage;
        bar = stage === null ? null : createProgressBar(stage);
      }
      bar?.update(told.progress);
    },
  });
  (bar as ProgressBar | null)?.end();
  return status;
}
