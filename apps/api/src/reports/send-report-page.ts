import { Readable } from 'node:stream';
import {
  formatAnswer,
  jobAnswer,
  jsonAnswer,
  type KeptAnswer,
  readOfflinePage,
} from '@umbra/platform/offline-page';
import { keys } from '@umbra/platform/store/keys';
import { readReportStatus } from '@umbra/platform/store/reports';
import type { ObjectStore } from '@umbra/platform/store/store';
import { mapInOrder } from '@umbra/shared/concurrency';
import type { JobRecord } from '@umbra/shared/contracts/job';
import type { JobReport } from '@umbra/shared/contracts/report';
import { hasCode } from '@umbra/shared/errors';
import { contentsPath, listReportPictures, type OfflineContents } from '@umbra/shared/offline-page';
import { forCaller } from '../http/for-caller.js';
import { answerNotModified } from '../http/not-modified.js';
import { type Exchange, type SendingServices, sendBody } from '../http/send-object.js';
import { type JobStatusServices, statusOf } from '../jobs/job-status.js';
import { findReport } from './find-report.js';
import { listTrials, trialPage } from './list-trials.js';

/** Greatest number of bytes of pictures in a page: crops of the weightiest clusters first. */
const maxPictureBytes = 64 * 1024 * 1024;
const readAtOnce = 4;

/**
 * Send a job's report as the page of one file: it opens without a service, and shows no image's map.
 *
 * @throws {AppError} `conflict` where there is no report yet; `not_found`.
 */
export async function sendReportPage(
  services: SendingServices & JobStatusServices,
  job: JobRecord,
  exchange: Exchange,
): Promise<void> {
  const { tenant, request, response } = exchange;
  const own = forCaller(services, exchange);
  const page = await readOfflinePage();
  const [report, trials, status] = await Promise.all([
    findReport(own.store, tenant, job),
    listTrials(own.store, tenant, job.id),
    readReportStatus(own.store, { tenant, id: job.id }),
  ]);
  const base = `/v1/jobs/${job.id}`;
  const answers: KeptAnswer[] = [
    jsonAnswer(contentsPath, contentsOf(report)),
    jobAnswer(await statusOf(own, tenant, job)),
    jsonAnswer(`${base}/report.json`, report),
    jsonAnswer(`${base}/report`, status),
    jsonAnswer(`${base}/trials`, trialPage(trials)),
  ];
  const parts = [page.before, ...answers.map(formatAnswer)];
  if (answerNotModified(request, response, parts)) return;
  // A file of its own, never a page of this service: it has names that others chose.
  response.attachment(`${job.id}-report.html`).type('text/html');
  response.set('Content-Security-Policy', 'sandbox allow-scripts');
  const write = async function* (): AsyncGenerator<string> {
    yield* parts;
    yield* picturesOf(own.store, tenant, report);
    yield page.after;
  };
  await services.turns.downloads.run(exchange, () =>
    sendBody(services.config, Readable.from(write()), exchange),
  );
}

/** What the page tells of itself: of a job's images it has none. */
const contentsOf = ({ job, images, writtenAt }: JobReport): OfflineContents => ({
  ...{ job, writtenAt, rows: [], total: images.total },
  ...{ sort: 'index', where: [] },
});

async function* picturesOf(
  store: ObjectStore,
  tenant: string,
  report: JobReport,
): AsyncGenerator<string> {
  const pictures = listReportPictures(report);
  const read = mapInOrder(pictures, { atOnce: readAtOnce }, async ({ kind, image, path }) => {
    const key =
      kind === 'crop'
        ? keys.reportCrop(tenant, report.job, image)
        : keys.result(tenant, report.job, image, 'thumbnail.webp');
    // A job may store no thumbnails.
    const body = await store.get(key).catch((error: unknown) => {
      if (hasCode(error, 'not_found')) return null;
      throw error;
    });
    return body && { path, type: 'image/webp', body };
  });
  let bytes = 0;
  for await (const answer of read) {
    if (answer === null) continue;
    bytes += answer.body.length;
    if (bytes > maxPictureBytes) return;
    yield formatAnswer(answer);
  }
}
