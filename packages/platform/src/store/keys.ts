import type { ResultFile } from '@umbra/shared/contracts/result';
import { invalidInput } from '@umbra/shared/errors';
import type { RowRange } from '@umbra/shared/occlusion/shards';

/**
 * Every key's layout, in one place.
 *
 *     models/<name>/current                       digest in use
 *     models/<name>/<digest>/<file>
 *     api-keys/{<prefix>.json,<prefix>.revoked}
 *     tenants/<tenant>/tenant.json                  quotas, where they are not the installation's
 *     tenants/<tenant>/datasets/<id>/{dataset.json,manifest.jsonl,refusals.jsonl,images/<sha256>}
 *     active/<tenant>/<id>                          marks a job that is not final, for resuming
 *     retention/<when to delete>/<tenant>/<id>      marks a job whose results are not kept for ever
 *     tenants/<tenant>/rows/<aa>/<address>/<rowStart>-<rowEnd>.json.gz    scores that any job may reuse
 *     tenants/<tenant>/datasets/<id>/{segments/<stream>/*,sources/<source>.json,lines/<source>.jsonl,
 *       parts/<source>/*}                         until it is ready
 *     tenants/<tenant>/datasets-by-time/<milliseconds>-<id>
 *     ingests/<tenant>/<id>                       marks a dataset that is validating, for resuming
 *     tenants/<tenant>/idempotency/<sha256 of the key>
 *     webhooks/<tenant>/<job>/<delivery>          marks what has not been taken yet, for resuming
 *     tenants/<tenant>/jobs/<id>/{job.json,cancel.json,pause.json,webhook.json,deliveries/<id>.json,
 *       archive.zip,archive-<part>.zip,archives.json,errors/<image>.json,images/<image>/<file>,
 *       shards/<image>/<rowStart>-<rowEnd>.json.gz}
 */
export const keys = {
  models: () => 'models/',
  currentModel: (name: string) => `models/${name}/current`,
  modelFile: (name: string, digest: string, path: string) => `models/${name}/${digest}/${path}`,
  dataset: (tenant: string, id: string) => `${datasetRoot(tenant, id)}dataset.json`,
  manifest: (tenant: string, id: string) => `${datasetRoot(tenant, id)}manifest.jsonl`,
  refusals: (tenant: string, id: string) => `${datasetRoot(tenant, id)}refusals.jsonl`,
  image: (tenant: string, id: string, sha256: string) =>
    `${datasetRoot(tenant, id)}images/${sha256}`,
  jobs: (tenant: string) => `tenants/${tenant}/jobs/`,
  /** What has been taken in of a dataset that is not ready: a folder a request or source. */
  segments: (tenant: string, id: string, stream?: string) =>
    `${datasetRoot(tenant, id)}segments/${stream === undefined ? '' : `${stream}/`}`,
  /** What is to be looked at before it is ready. */
  sources: (tenant: string, id: string) => `${datasetRoot(tenant, id)}sources/`,
  source: (tenant: string, id: string, source: string) =>
    `${datasetRoot(tenant, id)}sources/${source}.json`,
  sourceLines: (tenant: string, id: string, source: string) =>
    `${datasetRoot(tenant, id)}lines/${source}.jsonl`,
  parts: (tenant: string, id: string, source: string) =>
    `${datasetRoot(tenant, id)}parts/${source}/`,
  /** A tenant's datasets by the time they were made. */
  datasetIndex: (tenant: string) => `tenants/${tenant}/datasets-by-time/`,
  datasetEntry: (tenant: string, { id, createdAt }: { id: string; createdAt: string }) =>
    `tenants/${tenant}/datasets-by-time/${String(Date.parse(createdAt)).padStart(14, '0')}-${id}`,
  /** Folders that a dataset needs no more once it is ready. */
  datasetWork: (tenant: string, id: string) =>
    ['segments/', 'sources/', 'lines/', 'parts/'].map(
      (name) => `${datasetRoot(tenant, id)}${name}`,
    ),
  ingests: () => 'ingests/',
  ingest: (tenant: string, id: string) => `ingests/${tenant}/${id}`,
  job: (tenant: string, id: string) => `${jobRoot(tenant, id)}job.json`,
  jobFiles: (tenant: string, id: string) => jobRoot(tenant, id),
  datasetFiles: (tenant: string, id: string) => datasetRoot(tenant, id),
  cancellation: (tenant: string, id: string) => `${jobRoot(tenant, id)}cancel.json`,
  pause: (tenant: string, id: string) => `${jobRoot(tenant, id)}pause.json`,
  idempotency: (tenant: string, digest: string) => `tenants/${tenant}/idempotency/${digest}`,
  apiKeys: () => 'api-keys/',
  apiKey: (prefix: string) => `api-keys/${prefix}.json`,
  apiKeyRevocation: (prefix: string) => `api-keys/${prefix}.revoked`,
  tenants: () => 'tenants/',
  tenant: (tenant: string) => `tenants/${tenant}/tenant.json`,
  datasets: (tenant: string) => `tenants/${tenant}/datasets/`,
  allActiveJobs: () => 'active/',
  activeJobs: (tenant: string) => `active/${tenant}/`,
  activeJob: (tenant: string, id: string) => `active/${tenant}/${id}`,
  retentions: () => 'retention/',
  retention: (deleteAt: Date, tenant: string, id: string) =>
    `retention/${deleteAt.toISOString()}/${tenant}/${id}`,
  /** Results of shards until their merge, where they are too large for Redis. */
  largeResult: (tenant: string, id: string, image: string, rows: RowRange) =>
    `${jobRoot(tenant, id)}shards/${image}/${rowsFile(rows)}`,
  /** Rows of one address; see `addressOf`. */
  addressedRows: (tenant: string, address: string) =>
    `tenants/${tenant}/rows/${address.slice(0, 2)}/${address}/`,
  rows: (tenant: string, address: string, rows: RowRange) =>
    `${keys.addressedRows(tenant, address)}${rowsFile(rows)}`,
  archive: (tenant: string, id: string, name = 'archive.zip') => `${jobRoot(tenant, id)}${name}`,
  archives: (tenant: string, id: string) => `${jobRoot(tenant, id)}archives.json`,
  webhookSecret: (tenant: string, id: string) => `${jobRoot(tenant, id)}webhook.json`,
  deliveries: (tenant: string, id: string) => `${jobRoot(tenant, id)}deliveries/`,
  pendingDeliveries: () => 'webhooks/',
  pendingDelivery: (tenant: string, job: string, delivery: string) =>
    `webhooks/${tenant}/${job}/${delivery}`,
  delivery: (tenant: string, id: string, delivery: string) =>
    `${jobRoot(tenant, id)}deliveries/${delivery}.json`,
  results: (tenant: string, id: string) => `${jobRoot(tenant, id)}images/`,
  result: (tenant: string, id: string, image: string, file: ResultFile) =>
    `${jobRoot(tenant, id)}images/${image}/${file}`,
  errors: (tenant: string, id: string) => `${jobRoot(tenant, id)}errors/`,
  error: (tenant: string, id: string, image: string) =>
    `${jobRoot(tenant, id)}errors/${image}.json`,
} as const;

const rowsFile = ({ rowStart, rowEnd }: RowRange) => `${rowStart}-${rowEnd}.json.gz`;

/** @returns The rows of an object, by its key; null if it is none. */
export function rowsOfKey(key: string): RowRange | null {
  const match = /\/(\d{1,8})-(\d{1,8})\.json\.gz$/.exec(key);
  return match === null ? null : { rowStart: Number(match[1]), rowEnd: Number(match[2]) };
}

const datasetRoot = (tenant: string, id: string) => `tenants/${tenant}/datasets/${id}/`;
const jobRoot = (tenant: string, id: string) => `tenants/${tenant}/jobs/${id}/`;

/** Whose everything is where the API asks for no keys. */
export const defaultTenant = 'default';

/**
 * Refuse any key that is not a plain relative path: drivers may then join it to their root.
 *
 * @throws {AppError} `invalid_input` on an empty key or segment, `.`, `..`, a backslash, a control
 *   character, or more than 1024 bytes.
 */
export function assertKey(key: string): void {
  const segments = key.split('/');
  const bad =
    key.length === 0 ||
    Buffer.byteLength(key) > 1024 ||
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
    /[\\\u0000-\u001f\u007f]/.test(key) ||
    segments.some((segment) => segment === '' || segment === '.' || segment === '..');
  if (bad) {
    throw invalidInput(`Expected a relative key without empty, '.' or '..' segments, got '${key}'`);
  }
}
