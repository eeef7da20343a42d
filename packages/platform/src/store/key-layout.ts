import { integrity } from '@umbra/shared/errors';
import { type KeyFields, type KeyPattern, keyPattern } from './key-pattern.js';

/**
 * The layout of the store: every key and every folder that is listed, in one table. Keys are built,
 * parsed and guarded from it. See `keyPattern` for the fields; a pattern that ends in `/` is a folder.
 */
export const keyLayout = {
  /** Written and read back to check the store. */
  health: '.health/{id}',
  models: 'models/',
  /** The digest in use. */
  currentModel: 'models/{name}/current',
  modelFiles: 'models/{name}/',
  modelFile: 'models/{name}/{digest}/{path*}',
  /** Whether the model runs, found once. */
  modelCheck: 'models/{name}/{digest}.check.json',
  apiKeys: 'api-keys/',
  apiKey: 'api-keys/{prefix}.json',
  apiKeyRevocation: 'api-keys/{prefix}.revoked',

  /** Marks jobs that are not final, for resuming. */
  allActiveJobs: 'active/',
  activeJobs: 'active/{tenant}/',
  activeJob: 'active/{tenant}/{id}',
  /** Marks jobs whose results are not kept for ever, by the time of their deletion. */
  retentions: 'retention/',
  retention: 'retention/{deleteAt}/{tenant}/{id}',
  /** Marks datasets that are validating, for resuming. */
  ingests: 'ingests/',
  ingest: 'ingests/{tenant}/{id}',
  /** Marks deliveries that no receiver has taken yet, for resuming. */
  pendingDeliveries: 'webhooks/',
  pendingDelivery: 'webhooks/{tenant}/{job}/{delivery}',
  /** Marks reports and trials that have not ended, for resuming. */
  pendingReports: 'reports/',
  pendingReport: 'reports/{tenant}/{id}',
  pendingTrials: 'trials/',
  tenantTrials: 'trials/{tenant}/',
  pendingTrial: 'trials/{tenant}/{job}/{trial}',
  /** Marks what a request is writing into a dataset, until its record or journal names it. */
  uploads: 'uploads/',
  datasetUploads: 'uploads/{tenant}/{dataset}/',
  upload: 'uploads/{tenant}/{dataset}/{stream}',
  /** Marks what a request is writing of a model, until the model's record names it. */
  modelUpload: 'uploads/{tenant}/models/{name}/{digest}',
  /** Marks deletions that have begun, until no late write can follow them. */
  deletions: 'deletions/',
  deletedDataset: 'deletions/{tenant}/datasets/{id}',
  deletedJob: 'deletions/{tenant}/jobs/{id}',
  deletedModel: 'deletions/{tenant}/models/{name}',

  tenants: 'tenants/',
  /** Quotas, where they are not the installation's. */
  tenant: 'tenants/{tenant}/tenant.json',
  tenantFile: 'tenants/{tenant}/{path*}',
  idempotency: 'tenants/{tenant}/idempotency/{digest}',
  /** Scores that any job may reuse. */
  allRows: 'tenants/{tenant}/rows/',
  addressedRows: 'tenants/{tenant}/rows/{start}/{address}/',
  rows: 'tenants/{tenant}/rows/{start}/{address}/{rowStart#}-{rowEnd#}.json.gz',

  /** Models that the tenant uploaded, which nobody else has. */
  ownModels: 'tenants/{tenant}/models/',
  ownModelFiles: 'tenants/{tenant}/models/{name}/',
  /** Names the digest in use. */
  ownModel: 'tenants/{tenant}/models/{name}/model.json',
  ownModelVersion: 'tenants/{tenant}/models/{name}/{digest}/',
  ownModelFile: 'tenants/{tenant}/models/{name}/{digest}/{path*}',

  datasets: 'tenants/{tenant}/datasets/',
  datasetIndex: 'tenants/{tenant}/datasets-by-time/',
  datasetEntry: 'tenants/{tenant}/datasets-by-time/{createdMs#}-{id}',
  datasetFiles: 'tenants/{tenant}/datasets/{id}/',
  images: 'tenants/{tenant}/datasets/{id}/images/',
  dataset: 'tenants/{tenant}/datasets/{id}/dataset.json',
  manifest: 'tenants/{tenant}/datasets/{id}/manifest.jsonl',
  refusals: 'tenants/{tenant}/datasets/{id}/refusals.jsonl',
  image: 'tenants/{tenant}/datasets/{id}/images/{sha256}',
  /** The journal of a dataset that is not ready: a stream for each request and source. */
  segments: 'tenants/{tenant}/datasets/{id}/segments/',
  segmentStream: 'tenants/{tenant}/datasets/{id}/segments/{stream}/',
  segment:
    'tenants/{tenant}/datasets/{id}/segments/{stream}/{index#}-{images#}-{bytes#}-{refused#}.jsonl',
  sources: 'tenants/{tenant}/datasets/{id}/sources/',
  source: 'tenants/{tenant}/datasets/{id}/sources/{source}.json',
  allSourceLines: 'tenants/{tenant}/datasets/{id}/lines/',
  sourceLines: 'tenants/{tenant}/datasets/{id}/lines/{source}.jsonl',
  /** An upload as it comes; a part's name is its offset. */
  allParts: 'tenants/{tenant}/datasets/{id}/parts/',
  parts: 'tenants/{tenant}/datasets/{id}/parts/{source}/',
  part: 'tenants/{tenant}/datasets/{id}/parts/{source}/{offset#}',

  /** A tenant's jobs, the newest first: `age` falls as time goes on. */
  jobIndex: 'tenants/{tenant}/jobs-by-age/',
  jobEntry: 'tenants/{tenant}/jobs-by-age/{age#}-{id}',
  /** Says that every job of before there was an index has its entry. */
  jobIndexComplete: 'tenants/{tenant}/jobs-by-age.complete',
  jobs: 'tenants/{tenant}/jobs/',
  jobFiles: 'tenants/{tenant}/jobs/{id}/',
  job: 'tenants/{tenant}/jobs/{id}/job.json',
  cancellation: 'tenants/{tenant}/jobs/{id}/cancel.json',
  pause: 'tenants/{tenant}/jobs/{id}/pause.json',
  webhookSecret: 'tenants/{tenant}/jobs/{id}/webhook.json',
  deliveries: 'tenants/{tenant}/jobs/{id}/deliveries/',
  delivery: 'tenants/{tenant}/jobs/{id}/deliveries/{delivery}.json',
  archives: 'tenants/{tenant}/jobs/{id}/archives.json',
  /** `archive.zip`, or `archive-<part>.zip` of a large job. */
  archive: 'tenants/{tenant}/jobs/{id}/{name}',
  results: 'tenants/{tenant}/jobs/{id}/images/',
  result: 'tenants/{tenant}/jobs/{id}/images/{image}/{file}',
  errors: 'tenants/{tenant}/jobs/{id}/errors/',
  error: 'tenants/{tenant}/jobs/{id}/errors/{image}.json',
  /** Rows of finished images, as they ended; a segment is never changed. */
  rowSegments: 'tenants/{tenant}/jobs/{id}/rows/',
  rowSegment: 'tenants/{tenant}/jobs/{id}/rows/{writtenMs#}-{token}.jsonl.gz',
  /** The report of a job: what was asked for is the API's to write, all the rest the report step's. */
  reportFiles: 'tenants/{tenant}/jobs/{id}/report/',
  reportRequest: 'tenants/{tenant}/jobs/{id}/report/request.json',
  reportStatus: 'tenants/{tenant}/jobs/{id}/report/status.json',
  report: 'tenants/{tenant}/jobs/{id}/report/report.json',
  reportTable: 'tenants/{tenant}/jobs/{id}/report/report.parquet',
  /** Every member of every cluster: the report itself lists the nearest. */
  reportMembers: 'tenants/{tenant}/jobs/{id}/report/members.json.gz',
  reportCrops: 'tenants/{tenant}/jobs/{id}/report/crops/',
  reportCrop: 'tenants/{tenant}/jobs/{id}/report/crops/{image}.webp',
  /** What the report needs of images, a segment of the manifest each: its name is its first image. */
  evidence: 'tenants/{tenant}/jobs/{id}/report/evidence/',
  evidenceSegment: 'tenants/{tenant}/jobs/{id}/report/evidence/{start#}.bin.gz',
  trials: 'tenants/{tenant}/jobs/{id}/trials/',
  trial: 'tenants/{tenant}/jobs/{id}/trials/{trial}.json',
  trialCancellation: 'tenants/{tenant}/jobs/{id}/trials/{trial}.cancel',
  /** Results of shards until their merge, where they are too large for Redis. */
  largeResult: 'tenants/{tenant}/jobs/{id}/shards/{image}/{rowStart#}-{rowEnd#}.json.gz',
} as const satisfies Record<string, string>;

export type KeyName = keyof typeof keyLayout;
export type FieldsOfKey<N extends KeyName> = KeyFields<(typeof keyLayout)[N]>;

const patterns = Object.fromEntries(
  Object.entries(keyLayout).map(([name, template]) => [name, keyPattern(template)]),
) as { readonly [N in KeyName]: KeyPattern<(typeof keyLayout)[N]> };

/** Build a key of the layout from its fields. */
export const buildKey = <N extends KeyName>(name: N, fields: FieldsOfKey<N>): string =>
  patterns[name].build(fields);

/** @returns The fields of a key; null if it has another layout. */
export const matchKey = <N extends KeyName>(name: N, key: string): FieldsOfKey<N> | null =>
  patterns[name].match(key);

/** @returns The fields of a key. @throws {AppError} `integrity` if it has another layout. */
export function parseKey<N extends KeyName>(name: N, key: string): FieldsOfKey<N> {
  const fields = matchKey(name, key);
  if (fields === null) throw integrity(`Expected a key '${keyLayout[name]}', got '${key}'`);
  return fields;
}

/** The folders at the store's root, each with its `/`. */
export const serviceFolders: readonly string[] = [
  ...new Set(Object.values(keyLayout).map((pattern) => pattern.slice(0, pattern.indexOf('/') + 1))),
];
