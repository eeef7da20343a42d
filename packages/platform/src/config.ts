import { providers, tfjsChoices } from '@umbra/shared/contracts/provider';
import { AppError } from '@umbra/shared/errors';
import { z } from 'zod';

const port = z.coerce.number().int().min(0).max(65_535);

/** Settings every process reads. Each app extends this with its own. */
export const commonConfig = z.object({
  REDIS_URL: z.url({ protocol: /^rediss?$/ }).default('redis://127.0.0.1:6379'),
  UMBRA_STORE: z.enum(['fs', 's3']).default('fs'),
  UMBRA_STORE_DIR: z.string().min(1).default('.umbra/store'),
  UMBRA_S3_BUCKET: z.string().min(1).optional(),
  UMBRA_S3_PREFIX: z
    .string()
    .regex(/^([A-Za-z0-9._-]+\/)*$/)
    .default(''),
  UMBRA_S3_ENDPOINT: z.url().optional(),
  /** Where clients reach S3, for the URLs that they are given; UMBRA_S3_ENDPOINT unless told. */
  UMBRA_S3_PUBLIC_ENDPOINT: z.url().optional(),
  /** What datasets may be made of without a copy: `s3://bucket/prefix/`, by commas. */
  UMBRA_S3_SOURCES: z
    .string()
    .default('')
    .transform((list) => list.split(',').map((one) => one.trim()))
    .transform((list) => list.filter((one) => one !== ''))
    .pipe(
      z.array(z.string().regex(/^s3:\/\/[^/\s]+\/([^\s]*\/)?$/, 'Expected s3://bucket/prefix/')),
    ),
  UMBRA_S3_REGION: z.string().min(1).default('us-east-1'),
  /** Lets webhooks go to this network and machine, unless it is 0 or false. */
  UMBRA_WEBHOOK_ALLOW_PRIVATE: z
    .string()
    .default('false')
    .transform((value) => !['0', 'false'].includes(value.toLowerCase())),
  /** From the first attempt to post a webhook to the second; each later one waits twice as long. */
  UMBRA_WEBHOOK_RETRY_MS: z.coerce.number().int().min(1).default(20_000),
  UMBRA_LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info'),
});
export type CommonConfig = z.output<typeof commonConfig>;

export const portSetting = port;

/** Where `umbra models add` puts bundles, and the API finds them, unless UMBRA_MODELS_DIR says where. */
export const addedModelsFolder = '.umbra/models';

const count = (fallback: number) => z.coerce.number().int().min(1).default(fallback);

/** What every process that runs the engine reads. */
export const engineConfig = z.object({
  UMBRA_PROVIDER: z.enum(providers).default('cpu'),
  /** Which TensorFlow.js runs its models; the best that loads, unless told. */
  UMBRA_TFJS: z.enum(tfjsChoices).default('auto'),
  /** Of each inference session; threads gain more. */
  UMBRA_SESSION_THREADS: count(1),
  /** Memory for the batches of all threads together. */
  UMBRA_BATCH_MB: count(512),
  /** Memory for the weights of one model, held whole, in all threads together. */
  UMBRA_WEIGHTS_MB: count(1024),
  /** Forbids inference that reuses parts of the clean run, unless it is 0 or false. */
  UMBRA_FORBID_INCREMENTAL: z
    .string()
    .default('false')
    .transform((value) => !['0', 'false'].includes(value.toLowerCase())),
});

/** What images are held to, wherever they are taken in. */
export const uploadLimitsConfig = z.object({
  UMBRA_MAX_IMAGE_BYTES: count(32 * 1024 ** 2),
  UMBRA_MAX_IMAGE_PIXELS: count(100_000_000),
  /** Of an upload, and of what an archive holds eight times as much. */
  UMBRA_MAX_UPLOAD_BYTES: count(2 * 1024 ** 3),
});

const limit = z.coerce.number().int().min(1).optional();

/** What each tenant may hold for which nothing else was set; no limit where it is left out. */
export const quotaConfig = z.object({
  UMBRA_QUOTA_IMAGES: limit,
  UMBRA_QUOTA_BYTES: limit,
  UMBRA_QUOTA_POSITIONS: limit,
});

/** The default quotas as the environment has them. */
export const quotasOf = (config: z.output<typeof quotaConfig>) => ({
  images: config.UMBRA_QUOTA_IMAGES ?? null,
  bytes: config.UMBRA_QUOTA_BYTES ?? null,
  positionsInFlight: config.UMBRA_QUOTA_POSITIONS ?? null,
});

const mebibyte = 1024 * 1024;

/** The engine's options as the environment has them. */
export const engineOptionsOf = (config: z.output<typeof engineConfig>) => ({
  provider: config.UMBRA_PROVIDER,
  sessionThreads: config.UMBRA_SESSION_THREADS,
  batchBytes: config.UMBRA_BATCH_MB * mebibyte,
  weightBytes: config.UMBRA_WEIGHTS_MB * mebibyte,
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
