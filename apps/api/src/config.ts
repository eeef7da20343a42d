import {
  cacheDirSetting,
  commonConfig,
  engineConfig,
  modelsDirSetting,
  modelsDiskSetting,
  portSetting,
  quotaConfig,
  uploadLimitsConfig,
} from '@umbra/platform/config';
import { metricsConfig } from '@umbra/platform/telemetry/metrics-config';
import { tracingConfig } from '@umbra/platform/telemetry/tracing-config';
import { z } from 'zod';
import { isLoopback } from './auth/loopback.js';

const count = (fallback: number) => z.coerce.number().int().min(1).default(fallback);

const settings = commonConfig.extend({
  ...engineConfig.shape,
  ...uploadLimitsConfig.shape,
  ...quotaConfig.shape,
  ...metricsConfig.shape,
  ...tracingConfig.shape,
  UMBRA_AUTH: z
    .enum(['keys', 'none'])
    .default('keys')
    .describe(
      '`keys`: API keys; `none`: no keys and one tenant, allowed on a loopback `UMBRA_HOST` alone',
    ),
  UMBRA_REQUESTS_PER_MINUTE: count(6000).describe(
    'Requests a minute of a tenant, unless `umbra tenants set` gives its own limit',
  ),
  UMBRA_MAX_CONCURRENT_UPLOADS: count(4).describe(
    'Uploads received at once; one tenant takes all but one place at most, and more wait unread',
  ),
  UMBRA_MAX_CONCURRENT_DRAWINGS: count(3).describe(
    'Pictures drawn at once, shared as uploads are; each may take more than a hundred megabytes',
  ),
  UMBRA_MAX_CONCURRENT_DOWNLOADS: count(32).describe(
    "Objects sent at once, shared as uploads are; each holds one of the process's 50 connections to S3",
  ),
  UMBRA_MAX_STREAMS: count(10_000).describe(
    'Clients that follow jobs at once, shared as uploads are',
  ),
  UMBRA_MAX_STREAM_MS: z.coerce
    .number()
    .int()
    .min(1)
    .max(86_400_000)
    .default(300_000)
    .describe(
      'Life of an event stream, ms; its client then goes on after the last event, and its key is checked again',
    ),
  UMBRA_EXPLAIN_MB: count(256).describe(
    'Memory for images of `POST /v1/explain` that are not stored yet, MiB; one tenant takes three quarters at most',
  ),
  UMBRA_MAX_CONCURRENT_QUERIES: count(4).describe(
    "Questions about a job's rows, and lists under a filter, that are answered at once, shared as uploads are",
  ),
  UMBRA_MAX_CONCURRENT_EXPORTS: count(4).describe(
    "Tables of a job's rows that are written and sent at once, shared as uploads are; one of a million rows takes some hundred megabytes of disk meanwhile",
  ),
  UMBRA_ROWS_MB: count(2048).describe(
    'Disk for indexes of the rows of jobs, in `UMBRA_CACHE_DIR`, MiB, and as much for what does not fit into memory; a million rows take about 120, and what was not asked for longest goes first',
  ),
  UMBRA_ROWS_MEMORY_MB: count(256).describe(
    'Memory for questions about rows, all together, MiB; what needs more uses the disk',
  ),
  UMBRA_ROWS_THREADS: count(2).describe('Threads that answer questions about rows'),
  UMBRA_MAX_WAITING: count(100).describe(
    'Requests that wait to upload, to draw, to download or to explain, each; beyond it the last one of the tenant with most of them is refused',
  ),
  UMBRA_MAX_WAIT_MS: count(60_000).describe('Limit for such a wait, ms'),
  UMBRA_STALLED_MS: count(120_000).describe(
    'Time after which `/readyz` fails while requests wait for a place and nothing in one moves, ms',
  ),
  UMBRA_BODY_IDLE_MS: count(30_000).describe(
    "Limit for the time without a byte of a request's body, or of an answer that its client takes, ms",
  ),
  UMBRA_BODY_MIN_BYTES_PER_SECOND: count(1024).describe(
    'Slowest rate of a body over `UMBRA_BODY_IDLE_MS`, bytes a second',
  ),
  UMBRA_MAX_UNPACK_SECONDS: count(3600).describe(
    'Limit for the time in which an upload is received and unpacked, s',
  ),
  UMBRA_MAX_MODEL_MB: count(1024).describe(
    'Largest model that `POST /v1/models` takes, MiB; while it is checked, twice as much of the disk for temporary files is taken, and about five times as much memory, for two models at once: `UMBRA_MODEL_MEMORY_MB` is six times this at least',
  ),
  UMBRA_MAX_MODELS: count(50).describe(
    'Models that one tenant may have uploaded, every version of each counted',
  ),
  UMBRA_MODEL_CHECK_SECONDS: count(120).describe(
    'Time that the check of an uploaded model may take, s; a model that takes longer is refused',
  ),
  // Node.js and the libraries take some 130 MiB before there is a model.
  UMBRA_MODEL_MEMORY_MB: z.coerce
    .number()
    .int()
    .min(512)
    .default(6144)
    .describe(
      'Memory that each process may take which describes, checks or draws a model for the API, MiB, six times `UMBRA_MAX_MODEL_MB` at least; one that takes more is ended, and an uploaded model is refused then; Linux alone',
    ),
  UMBRA_BAD_KEYS_PER_MINUTE: count(60).describe(
    'Bad keys that one address may send, and as many bad session cookies; what has worked passes all the same',
  ),
  UMBRA_LOGIN_SECONDS: z.coerce
    .number()
    .int()
    .min(1)
    .max(34_560_000)
    .default(43_200)
    .describe(
      "Life of a browser's session, which is made from an API key and ends with it, s; at most the 400 days for which browsers keep a cookie",
    ),
  UMBRA_MAX_LOGINS: count(100).describe('Sessions of one API key; one more ends the oldest'),
  UMBRA_TRUSTED_PROXIES: z.coerce
    .number()
    .int()
    .min(0)
    .max(16)
    .default(0)
    .describe(
      "Proxies in front of the API, whose `X-Forwarded-For`, `-Proto` and `-Host` give the client's address, whether it came over https, and the host that it asked",
    ),
  UMBRA_HOST: z
    .string()
    .min(1)
    .default('127.0.0.1')
    .describe("Address that the API listens on; TLS is the ingress's"),
  UMBRA_PORT: portSetting.default(8080).describe('Port of the API; 0 takes any free one'),
  UMBRA_MODELS_DIR: modelsDirSetting,
  UMBRA_CACHE_DIR: cacheDirSetting,
  UMBRA_MODELS_DISK_MB: modelsDiskSetting,
  UMBRA_BULL_BOARD: z
    .enum(['0', '1'])
    .default('0')
    .describe('1: a page of the queues at `/admin/queues`, for admin keys of the tenant `default`'),
  UMBRA_SHUTDOWN_MS: count(10_000).describe(
    'Time that running work may take to end after SIGTERM, ms',
  ),
});

/** Memory that the check of a model may need, in sizes of its file: 4.3, and 130 MiB, were measured. */
const memoryPerModelByte = 6;

export const apiConfig = settings
  .refine(({ UMBRA_AUTH, UMBRA_HOST }) => UMBRA_AUTH === 'keys' || isLoopback(UMBRA_HOST), {
    path: ['UMBRA_AUTH'],
    error:
      "Expected 'keys' unless UMBRA_HOST is a loopback address: 'none' lets everybody do everything",
  })
  .refine(
    ({ UMBRA_MODEL_MEMORY_MB, UMBRA_MAX_MODEL_MB }) =>
      UMBRA_MODEL_MEMORY_MB >= memoryPerModelByte * UMBRA_MAX_MODEL_MB,
    {
      path: ['UMBRA_MODEL_MEMORY_MB'],
      error: `Expected ${memoryPerModelByte} times UMBRA_MAX_MODEL_MB at least: sound models would be refused for the memory of their check`,
    },
  );
export type ApiConfig = z.output<typeof apiConfig>;

/** Limit for the memory of a process that runs a model for the API, bytes. */
export const modelMemoryOf = ({
  UMBRA_MODEL_MEMORY_MB,
}: Pick<ApiConfig, 'UMBRA_MODEL_MEMORY_MB'>) => UMBRA_MODEL_MEMORY_MB * 1024 ** 2;
