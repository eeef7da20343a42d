import createFetchClient, { type Client as FetchClient } from 'openapi-fetch';
import type { components, paths } from './generated/api.js';
import { problemOf, UmbraError } from './problem.js';
import type {
  ApiIdentity,
  ApiJob,
  ApiJobEstimate,
  ApiJobRequest,
  ApiModelDetail,
  ApiModelUpload,
  ApiReport,
  ApiReportDifference,
  ApiReportOptions,
  ApiReportStatus,
  ApiTrial,
  ApiTrialOptions,
  NewDataset,
  NewJob,
} from './types.js';
import { isEnded, isOver, type WaitOptions, waitUntil } from './wait-until.js';

export type ClientOptions = {
  /** Base URL of the service, without `/v1`; empty in a page of the service itself. */
  readonly baseUrl: string;
  /** Sent as a bearer token; a service on loopback may ask for none. */
  readonly apiKey?: string | undefined;
  /** Whether a browser sends its session cookie; `same-origin`, its own default, does to the page's service. */
  readonly credentials?: NonNullable<RequestInit['credentials']>;
  /** Instead of the global one. */
  readonly fetch?: (request: Request) => Promise<Response>;
};

/** The service's HTTP interface. Whatever is not an answer of the wanted kind is an `UmbraError`. */
export type UmbraClient = {
  /** Every operation, by method and path, with the types of the OpenAPI document. */
  readonly api: FetchClient<paths>;
  /** Any path of the service, with the same key and the same errors. */
  request(path: string, init?: RequestInit): Promise<Response>;
  uploadImages(
    images: Iterable<{ readonly name: string; readonly data: Blob }>,
  ): Promise<NewDataset>;
  /** Upload an ONNX model, which is checked before this returns. @param labels Class names, one a line, or as JSON. */
  uploadModel(
    model: Blob,
    description: ApiModelUpload,
    labels?: Blob | null,
  ): Promise<ApiModelDetail>;
  /** @param idempotencyKey The same key gives the same job, however often it is asked. */
  createJob(job: ApiJobRequest, idempotencyKey?: string): Promise<NewJob>;
  /** What the job would take, without making it. */
  estimateJob(job: ApiJobRequest): Promise<ApiJobEstimate>;
  getJob(id: string): Promise<ApiJob>;
  cancelJob(id: string): Promise<ApiJob>;
  /** Have this browser keep a session in place of the key, for pictures and event streams, too. */
  logIn(key: string): Promise<ApiIdentity>;
  /** End this browser's session. */
  logOut(): Promise<void>;
  /** Who the service takes this client for. */
  whoAmI(): Promise<ApiIdentity>;
  /** Poll until the job has ended, in whatever way. */
  waitForJob(id: string, options?: WaitOptions): Promise<ApiJob>;
  /** Have a job's report made, or made anew: `waitForReport` tells when it is. */
  requestReport(job: string, options?: ApiReportOptions): Promise<ApiReportStatus>;
  getReportStatus(job: string): Promise<ApiReportStatus>;
  /** Poll until the report is made, or cannot be; of a job that goes on, that is after the job's end. */
  waitForReport(job: string, options?: WaitOptions<ApiReportStatus>): Promise<ApiReportStatus>;
  /** The report as it was last written; `downloadReport` of `@umbra/client/files` has its other forms. */
  getReport(job: string): Promise<ApiReport>;
  /** What differs between the reports of two jobs: `job`'s (b) minus the other's (a). */
  compareReports(job: string, other: string): Promise<ApiReportDifference>;
  /** Delete a report, and end the work on it. */
  deleteReport(job: string): Promise<void>;
  /** Try what covering a cluster or a region of a report does to the images of its class. */
  createTrial(job: string, trial: ApiTrialOptions): Promise<ApiTrial>;
  getTrial(job: string, id: string): Promise<ApiTrial>;
  /** A job's trials, the newest first. */
  listTrials(job: string): Promise<ApiTrial[]>;
  cancelTrial(job: string, id: string): Promise<ApiTrial>;
  /** Poll until the trial has ended, in whatever way. */
  waitForTrial(job: string, id: string, options?: WaitOptions<ApiTrial>): Promise<ApiTrial>;
};

export function createUmbraClient({
  baseUrl,
  apiKey,
  credentials = 'same-origin',
  fetch: send = fetch,
}: ClientOptions): UmbraClient {
  const root = baseUrl.replace(/\/+$/, '');
  const ask = async (request: Request): Promise<Response> => {
    if (apiKey !== undefined && !request.headers.has('Authorization')) {
      request.headers.set('Authorization', `Bearer ${apiKey}`);
    }
    const response = await send(request).catch((cause: unknown) => {
      // Who asked for the end gets it.
      if (request.signal.aborted) throw cause;
      const message = `Expected Umbra's API at ${baseUrl}, got no answer`;
      throw new UmbraError(message, { code: 'unavailable', cause });
    });
    if (!response.ok && response.status !== 304) throw await problemOf(response);
    return response;
  };
  const api = createFetchClient<paths>({ baseUrl: root, credentials, fetch: ask });
  const getJob = async (job: string) =>
    dataOf(await api.GET('/v1/jobs/{job}', { params: { path: { job } } }));
  const getReportStatus = async (job: string) =>
    dataOf(await api.GET('/v1/jobs/{job}/report', { params: { path: { job } } }));
  const getTrial = async (job: string, trial: string) =>
    dataOf(await api.GET('/v1/jobs/{job}/trials/{trial}', { params: { path: { job, trial } } }));

  return {
    api,
    request: (path, init) => ask(new Request(`${root}${path}`, { credentials, ...init })),
    async uploadImages(images) {
      const form = new FormData();
      for (const { name, data } of images) form.append('images', data, name);
      // 201, since images are sent and no manifest.
      return dataOf(await api.POST('/v1/datasets', { body: form as never })) as NewDataset;
    },
    async uploadModel(model, description, labels = null) {
      const form = new FormData();
      form.append('description', JSON.stringify(description));
      if (labels !== null) form.append('labels', labels, 'labels');
      form.append('model', model, 'model.onnx');
      return dataOf(await api.POST('/v1/models', { body: form as never }));
    },
    async createJob(job, idempotencyKey) {
      const body = job as components['schemas']['JobRequest'];
      const header = idempotencyKey === undefined ? {} : { 'Idempotency-Key': idempotencyKey };
      // 202, since no dry run is asked for.
      return dataOf(await api.POST('/v1/jobs', { body, params: { header } })) as NewJob;
    },
    async estimateJob(job) {
      const body = job as components['schemas']['JobRequest'];
      const query = { dryRun: 'true' } as const;
      return dataOf(await api.POST('/v1/jobs', { body, params: { query } })) as ApiJobEstimate;
    },
    getJob,
    async cancelJob(job) {
      return dataOf(await api.POST('/v1/jobs/{job}/cancel', { params: { path: { job } } }));
    },
    async logIn(key) {
      return dataOf(await api.POST('/v1/session', { headers: { Authorization: `Bearer ${key}` } }));
    },
    async logOut() {
      await api.DELETE('/v1/session');
    },
    whoAmI: async () => dataOf(await api.GET('/v1/session')),
    waitForJob: (id, options) => waitUntil(isEnded, () => getJob(id), options),
    async requestReport(job, options = {}) {
      const body = options as components['schemas']['ReportOptionsInput'];
      return dataOf(await api.POST('/v1/jobs/{job}/report', { body, params: { path: { job } } }));
    },
    getReportStatus,
    waitForReport: (job, options) => waitUntil(isOver, () => getReportStatus(job), options),
    async getReport(job) {
      return dataOf(
        await api.GET('/v1/jobs/{job}/report.json', { params: { path: { job } } }),
      ) as ApiReport;
    },
    async compareReports(job, other) {
      const path = { job, other };
      return dataOf(await api.GET('/v1/jobs/{job}/report/against/{other}', { params: { path } }));
    },
    async deleteReport(job) {
      await api.DELETE('/v1/jobs/{job}/report', { params: { path: { job } } });
    },
    async createTrial(job, trial) {
      const body = trial as components['schemas']['TrialOptionsInput'];
      return dataOf(await api.POST('/v1/jobs/{job}/trials', { body, params: { path: { job } } }));
    },
    getTrial,
    async listTrials(job) {
      return dataOf(await api.GET('/v1/jobs/{job}/trials', { params: { path: { job } } })).data;
    },
    async cancelTrial(job, trial) {
      const path = { job, trial };
      return dataOf(await api.DELETE('/v1/jobs/{job}/trials/{trial}', { params: { path } }));
    },
    waitForTrial: (job, id, options) => waitUntil(isOver, () => getTrial(job, id), options),
  };
}

/** The answer's content, which is there: everything else was thrown. */
function dataOf<T>({ data, response }: { readonly data?: T; readonly response: Response }): T {
  if (data !== undefined) return data;
  throw new UmbraError(`Expected content, got HTTP ${response.status} without any`, {
    code: 'internal',
    status: response.status,
  });
}
