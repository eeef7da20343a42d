import { providers, tfjsChoices } from '@umbra/shared/contracts/provider';
import { AppError } from '@umbra/shared/errors';
import { z } from 'zod';

const port = z.coerce.number().int().min(0).max(65_535);

/** Settings every process reads. Each app extends this with its own. */
export const commonConfig = z.object({
  REDIS_URL: z
    .url({ protocol: /^rediss?$/ })
    .default('redis://127.0.0.1:6379')
    .describe('Redis (6.2 or newer) or Valkey, as `redis://` or `rediss://`'),
  UMBRA_STORE: z
    .enum(['fs', 's3'])
    .default('fs')
    .describe('`fs`: a folder; `s3`: an S3-compatible server'),
  UMBRA_STORE_DIR: z.string().min(1).default('.umbra/store').describe('Folder of the `fs` store'),
  UMBRA_S3_BUCKET: z
    .string()
    .min(1)
    .optional()
    .describe("Bucket of the `s3` store; credentials come from the AWS SDK's own chain"),
  UMBRA_S3_PREFIX: z
    .string()
    .regex(/^([A-Za-z0-9._-]+\/)*$/)
    .default('')
    .describe('Prefix of every key in the bucket, ending in `/`'),
  UMBRA_S3_ENDPOINT: z.url().optional().describe('Address of an S3 server other than AWS'),
  UMBRA_S3_PUBLIC_ENDPOINT: z
    .url()
    .optional()
    .describe(
      'Address under which clients reach S3, for presigned URLs; `UMBRA_S3_ENDPOINT` unless set',
    ),
  UMBRA_S3_SOURCES: z
    .string()
    .default('')
    .transform((list) => list.split(',').map((one) => one.trim()))
    .transform((list) => list.filter((one) => one !== ''))
    .pipe(
      z.array(z.string().regex(/^s3:\/\/[^/\s]+\/([^\s]*\/)?$/, 'Expected s3://bucket/prefix/')),
    )
    .describe(
      "Prefixes that datasets may be made of without a copy: `s3://bucket/prefix/`, separated by commas; the service's credentials read them",
    ),
  UMBRA_S3_REGION: z.string().min(1).default('us-east-1').describe('Region of the bucket'),
  UMBRA_WEBHOOK_ALLOW_PRIVATE: z
    .string()
    .default('false')
    .transform((value) => !['0', 'false'].includes(value.toLowerCase()))
    .describe('1: webhooks may go to private, loopback and link-local addresses'),
  UMBRA_WEBHOOK_RETRY_MS: z.coerce
    .number()
    .int()
    .min(1)
    .default(20_000)
    .describe(
      "Time from a webhook's first attempt to its second, ms; each later one waits twice as long, 13 in all",
    ),
  UMBRA_ABANDONED_MS: z.coerce
    .number()
    .int()
    .min(1000)
    .default(3_600_000)
    .describe(
      'Time without a sign of life after which an upload or a write counts as abandoned and what it left is deleted, ms; the same in every process',
    ),
  UMBRA_KEEP_SCORES_DAYS: z.coerce
    .number()
    .min(0)
    .optional()
    .describe(
      'Days after which scores that later jobs may reuse are deleted; kept for ever unless set',
    ),
  UMBRA_LOG_LEVEL: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'silent'])
    .default('info')
    .describe('Lowest level that is logged'),
});
export type CommonConfig = z.output<typeof commonConfig>;

export const portSetting = port;

export const modelsDirSetting = z
  .string()
  .min(1)
  .optional()
  .describe(
    'Folder of model bundles: published when the API starts, and searched by name by `umbra`; `.umbra/models` unless set',
  );

export const cacheDirSetting = z
  .string()
  .min(1)
  .default('.umbra/cache')
  .describe('Folder for models fetched from the store');

export const modelsDiskSetting = z.coerce
  .number()
  .int()
  .min(1)
  .default(4096)
  .describe(
    'Disk for models fetched from the store, in `UMBRA_CACHE_DIR`, MiB; beyond it those go that were not used longest, but none within ten minutes of its use',
  );

/** Where fetched models lie, and how much of the disk they take. */
export const modelsDiskOf = (config: {
  readonly UMBRA_CACHE_DIR: string;
  readonly UMBRA_MODELS_DISK_MB: number;
}) => ({ folder: config.UMBRA_CACHE_DIR, maxBytes: config.UMBRA_MODELS_DISK_MB * 1024 ** 2 });

/** Folder that `umbra models add` puts bundles into, and the API finds them, unless UMBRA_MODELS_DIR says where. */
export const addedModelsFolder = '.umbra/models';

const count = (fallback: number) => z.coerce.number().int().min(1).default(fallback);

/** What every process that runs the engine reads. */
export const engineConfig = z.object({
  UMBRA_PROVIDER: z.enum(providers).default('cpu').describe('Execution provider of onnxruntime'),
  UMBRA_TFJS: z
    .enum(tfjsChoices)
    .default('auto')
    .describe('Backend of TensorFlow.js models; `auto` takes the best that loads'),
  UMBRA_SESSION_THREADS: count(1).describe(
    'Threads of each inference session; more inference threads gain more',
  ),
  UMBRA_BATCH_MB: count(512).describe(
    'Memory for the batches of all inference threads together, MiB; half as much again keeps unoccluded runs of the last images of each model',
  ),
  UMBRA_WEIGHTS_MB: count(1024).describe(
    'Memory for the weights of one model in all inference threads together, MiB; beyond it fewer threads hold the whole network, with more session threads each',
  ),
  UMBRA_MAX_INPUT_PIXELS: count(4_194_304).describe(
    "Largest input that a photo becomes by the model's resize rule, pixels; a larger one fails that image alone",
  ),
  UMBRA_MAX_POSITIONS: count(1_000_000).describe(
    'Positions of one image, at most, of all its patch sizes together',
  ),
  UMBRA_FORBID_INCREMENTAL: z
    .string()
    .default('false')
    .transform((value) => !['0', 'false'].includes(value.toLowerCase()))
    .describe('1: strategy `incremental` is refused, and `auto` means `dense`'),
});

/** What images are held to, wherever they are taken in. */
export const uploadLimitsConfig = z.object({
  UMBRA_MAX_IMAGE_BYTES: count(32 * 1024 ** 2).describe('Largest image, bytes'),
  UMBRA_MAX_IMAGE_PIXELS: count(100_000_000).describe('Largest image, pixels'),
  UMBRA_DECODING_PROCESSES: count(2).describe(
    'Processes that decode images, one at a time each: an image that kills its decoder costs itself alone',
  ),
  UMBRA_MAX_UPLOAD_BYTES: count(2 * 1024 ** 3).describe(
    'Largest upload, bytes; the content of an archive may be eight times as large, and 100 times the archive or 64 MiB',
  ),
});

const limit = z.coerce.number().int().min(1).optional();

/** What each tenant may hold for which nothing else was set; no limit where it is left out. */
export const quotaConfig = z.object({
  UMBRA_QUOTA_IMAGES: limit.describe(
    'Images that a tenant may store, unless `umbra tenants set` gives its own limit',
  ),
  UMBRA_QUOTA_BYTES: limit.describe('Bytes that a tenant may store, likewise'),
  UMBRA_QUOTA_POSITIONS: limit.describe('Positions that a tenant may have in flight, likewise'),
  UMBRA_QUOTA_JOBS: limit.describe('Jobs of a tenant that have not ended, likewise'),
  UMBRA_QUOTA_OPEN_DATASETS: limit.describe(
    'Datasets of a tenant that take images or are validated, likewise',
  ),
  UMBRA_QUOTA_STREAMS: limit.describe(
    'Jobs that a tenant may follow at once at one API process, likewise',
  ),
});

/** The default quotas as the environment has them. */
export const quotasOf = (config: z.output<typeof quotaConfig>) => ({
  images: config.UMBRA_QUOTA_IMAGES ?? null,
  bytes: config.UMBRA_QUOTA_BYTES ?? null,
  positionsInFlight: config.UMBRA_QUOTA_POSITIONS ?? null,
  jobs: config.UMBRA_QUOTA_JOBS ?? null,
  openDatasets: config.UMBRA_QUOTA_OPEN_DATASETS ?? null,
  streams: config.UMBRA_QUOTA_STREAMS ?? null,
});

const mebibyte = 1024 * 1024;

/** The engine's options as the environment has them. */
export const engineOptionsOf = (config: z.output<typeof engineConfig>) => ({
  provider: config.UMBRA_PROVIDER,
  tfjs: config.UMBRA_TFJS,
  sessionThreads: config.UMBRA_SESSION_THREADS,
  batchBytes: config.UMBRA_BATCH_MB * mebibyte,
  weightBytes: config.UMBRA_WEIGHTS_MB * mebibyte,
  maxInputPixels: config.UMBRA_MAX_INPUT_PIXELS,
  maxPositions: config.UMBRA_MAX_POSITIONS,
  forbidIncremental: config.UMBRA_FORBID_INCREMENTAL,
});

/**
 * Read the environment once, into a frozen object.
 *
 * @throws {AppError} `invalid_input` naming every bad variable together, never printing a value.
 */
export function readConfig<T extends z.ZodType>(
  schema: T,
  env: Readonly<Record<string, string | undefined>>,
): Readonly<z.output<T>> {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  const parsed = schema.safeParse(given);
  if (parsed.success) return Object.freeze(parsed.data as z.output<T> & object);
  const problems = parsed.error.issues.map(
    (issue) => `  ${issue.path.join('.') || '(settings)'}: ${issue.message}`,
  );
  throw new AppError('invalid_input', `Bad environment variables:\n${problems.join('\n')}`);
}
