import {
  cacheDirSetting,
  commonConfig,
  engineConfig,
  modelsDirSetting,
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
  UMBRA_MAX_CONCURRENT_UPLOADS: count(4).describe('Uploads received at once; more wait unread'),
  UMBRA_BAD_KEYS_PER_MINUTE: count(60).describe(
    'Bad keys that one address may send; keys that have worked pass all the same',
  ),
  UMBRA_TRUSTED_PROXIES: z.coerce
    .number()
    .int()
    .min(0)
    .max(16)
    .default(0)
    .describe("Proxies in front of the API, whose `X-Forwarded-For` gives the client's address"),
  UMBRA_HOST: z
    .string()
    .min(1)
    .default('127.0.0.1')
    .describe("Address that the API listens on; TLS is the ingress's"),
  UMBRA_PORT: portSetting.default(8080).describe('Port of the API; 0 takes any free one'),
  UMBRA_MODELS_DIR: modelsDirSetting,
  UMBRA_CACHE_DIR: cacheDirSetting,
  UMBRA_BULL_BOARD: z
    .enum(['0', '1'])
    .default('0')
    .describe('1: a page of the queues at `/admin/queues`, for admin keys of the tenant `default`'),
  UMBRA_SHUTDOWN_MS: count(10_000).describe(
    'Time that running work may take to end after SIGTERM, ms',
  ),
});

export const apiConfig = settings.refine(
  ({ UMBRA_AUTH, UMBRA_HOST }) => UMBRA_AUTH === 'keys' || isLoopback(UMBRA_HOST),
  {
    path: ['UMBRA_AUTH'],
    error:
      "Expected 'keys' unless UMBRA_HOST is a loopback address: 'none' lets everybody do everything",
  },
);
export type ApiConfig = z.output<typeof apiConfig>;
