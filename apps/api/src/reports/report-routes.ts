import { keys } from '@umbra/platform/store/keys';
import { deleteReport, readReportStatus } from '@umbra/platform/store/reports';
import type { ObjectStore } from '@umbra/platform/store/store';
import { imageId } from '@umbra/shared/contracts/dataset';
import { jobReport, reportRequest, reportStatus } from '@umbra/shared/contracts/report';
import { type AppError, notFound } from '@umbra/shared/errors';
import { forCaller } from '../http/for-caller.js';
import { answerNotModified } from '../http/not-modified.js';
import { operation, type Route, route } from '../http/operation.js';
import { jobParam } from '../http/params.js';
import {
  type Exchange,
  rangeHeaders,
  type SendingServices,
  type SentObject,
  sendObject,
} from '../http/send-object.js';
import { findJob } from '../jobs/find-job.js';
import type { JobStatusServices } from '../jobs/job-status.js';
import type { ApiServices } from '../services.js';
import { missingReportError } from './find-report.js';
import type { ReportQueueServices } from './queue-work.js';
import { askForReport } from './request-report.js';
import { sendReportPage } from './send-report-page.js';

const common = { tag: 'results', params: jobParam } as const;
const reading = { ...common, method: 'get', scope: 'read' } as const;
const headers = { ETag: 'Entity tag of the content, for If-None-Match and If-Range' } as const;
const kept = { 304: { description: 'The client has it already' } } as const;
const parquetType = 'application/vnd.apache.parquet';
const parquet = { [parquetType]: 'bytes' } as const;

export const reportOperations = {
  request: operation({
    ...common,
    id: 'requestReport',
    method: 'post',
    path: '/v1/jobs/{job}/report',
    scope: 'submit',
    summary: "Have the report of a job's images made, or made anew",
    description:
      'The same request joins the report that is being made; another one replaces it. While the job goes on, the report is written anew as its images finish.',
    body: reportRequest,
    bodyOptional: true,
    answers: {
      202: {
        description: 'How far it is: poll it',
        content: { 'application/json': reportStatus },
        headers: {
          Location: 'Its status',
          'Retry-After': 'Seconds to wait before the next request',
        },
      },
    },
    problems: ['conflict'],
  }),
  status: operation({
    ...reading,
    id: 'getReportStatus',
    path: '/v1/jobs/{job}/report',
    summary: "Get how far a job's report is",
    answers: {
      200: { description: 'How far it is', content: { 'application/json': reportStatus } },
    },
  }),
  delete: operation({
    ...common,
    id: 'deleteReport',
    method: 'delete',
    path: '/v1/jobs/{job}/report',
    scope: 'submit',
    summary: "Delete a job's report, and end the work on it",
    answers: { 204: { description: 'Deleted' } },
  }),
  json: operation({
    ...reading,
    id: 'getReport',
    path: '/v1/jobs/{job}/report.json',
    summary: "Get a job's report",
    headers: rangeHeaders,
    answers: {
      200: { description: 'The report', content: { 'application/json': jobReport }, headers },
      206: {
        description: 'The requested range',
        content: { 'application/json': 'bytes' },
        headers,
      },
      ...kept,
    },
    problems: ['conflict', 'range_not_satisfiable'],
  }),
  table: operation({
    ...reading,
    id: 'getReportTable',
    path: '/v1/jobs/{job}/report.parquet',
    summary: "Download what a job's report says of each image, as a table",
    headers: rangeHeaders,
    answers: {
      200: { description: 'The table', content: parquet, headers },
      206: { description: 'The requested range', content: parquet, headers },
      ...kept,
    },
    problems: ['conflict', 'range_not_satisfiable'],
  }),
  page: operation({
    ...reading,
    id: 'getReportPage',
    path: '/v1/jobs/{job}/report.html',
    summary: "Download a job's report as one HTML file, which needs no service",
    answers: {
      200: { description: 'The file', content: { 'text/html': 'bytes' }, headers },
      ...kept,
    },
    problems: ['conflict'],
  }),
  crop: operation({
    ...reading,
    id: 'getReportCrop',
    path: '/v1/jobs/{job}/report/crops/{image}',
    params: { ...jobParam, image: imageId },
    summary: 'Get the decisive patch of an image that a report shows, cut out of its photo',
    answers: {
      200: { description: 'The patch', content: { 'image/webp': 'bytes' }, headers },
      ...kept,
    },
    problems: ['conflict', 'range_not_satisfiable'],
  }),
};

export type ReportRouteServices = SendingServices &
  JobStatusServices &
  ReportQueueServices &
  Pick<ApiServices, 'modelFolders' | 'losses'>;

/** Routes of the reports of jobs. */
export function reportRoutes(services: ReportRouteServices): Route[] {
  return [...statusRoutes(services), ...contentRoutes(services)];
}

function statusRoutes(services: ReportRouteServices): Route[] {
  const { store } = services;
  return [
    route(reportOperations.request, async (call) => {
      const { tenant, params, body, response } = call;
      const job = await findJob(services, tenant, params.job);
      const status = await askForReport(services, call, job, body);
      response.status(202).location(`/v1/jobs/${job.id}/report`);
      response.set('Retry-After', '1').json(status);
    }),
    route(reportOperations.status, async (call) => {
      const { tenant, params, response } = call;
      const own = forCaller(services, call);
      const { id } = await findJob(own, tenant, params.job);
      const status = await readReportStatus(own.store, { tenant, id });
      if (status === null) throw await missingReportError(own.store, tenant, { id });
      if (status.completedAt === null && status.error === null) response.set('Retry-After', '1');
      response.json(status);
    }),
    route(reportOperations.delete, async ({ tenant, params, response }) => {
      const { id } = await findJob(services, tenant, params.job);
      if ((await readReportStatus(store, { tenant, id })) === null) {
        throw await missingReportError(store, tenant, { id });
      }
      await deleteReport(store, { tenant, id });
      response.status(204).end();
    }),
  ];
}

function contentRoutes(services: ReportRouteServices): Route[] {
  return [
    route(reportOperations.json, async (call) => {
      const { id } = await findJob(forCaller(services, call), call.tenant, call.params.job);
      const key = keys.report(call.tenant, id);
      await sendStored(services, { key, mediaType: 'application/json' }, call, (store) =>
        missingReportError(store, call.tenant, { id }),
      );
    }),
    route(reportOperations.table, async (call) => {
      const { id } = await findJob(forCaller(services, call), call.tenant, call.params.job);
      const key = keys.reportTable(call.tenant, id);
      const object = { key, mediaType: parquetType, fileName: `${id}-report.parquet` };
      await sendStored(services, object, call, (store) =>
        missingReportError(store, call.tenant, { id }),
      );
    }),
    route(reportOperations.page, async (call) => {
      const job = await findJob(forCaller(services, call), call.tenant, call.params.job);
      await sendReportPage(services, job, call);
    }),
    route(reportOperations.crop, async (call) => {
      const { job, image } = call.params;
      const { id } = await findJob(forCaller(services, call), call.tenant, job);
      const object = { key: keys.reportCrop(call.tenant, id, image), mediaType: 'image/webp' };
      // As a photo, of which it is a part.
      call.response.set('Cache-Control', 'private, no-cache');
      await sendStored(services, object, call, async () =>
        notFound(`The report of job '${id}' shows no patch of image '${image}'`),
      );
    }),
  ];
}

/** Send a file of a report, or the range of it that is asked for. @throws What says why it is missing. */
async function sendStored(
  services: SendingServices,
  object: SentObject,
  exchange: Exchange,
  missing: (store: ObjectStore) => Promise<AppError>,
): Promise<void> {
  const { request, response } = exchange;
  const own = forCaller(services, exchange);
  const written = await own.store.head(object.key);
  if (written === null) throw await missing(own.store);
  if (answerNotModified(request, response, [written])) return;
  await sendObject(own, { ...object, etag: response.get('ETag') ?? '' }, exchange);
}
