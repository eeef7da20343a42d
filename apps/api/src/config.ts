import {
  commonConfig,
  engineConfig,
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
  /** `none` has no keys and one tenant: a demo's, for whoever is on this machine. */
  UMBRA_AUTH: z.enum(['keys', 'none']).default('keys'),
  /** Of each tenant for which nothing else was set. */
  UMBRA_REQUESTS_PER_MINUTE: count(6000),
  /** Uploads taken in at once; more wait, unread. */
  UMBRA_MAX_CONCURRENT_UPLOADS: count(4),
  /** From one address, before it must wait. */
  UMBRA_BAD_KEYS_PER_MINUTE: count(60),
  /** Proxies in front of the API, which say in X-Forwarded-For where a request comes from. */
  UMBRA_TRUSTED_PROXIES: z.coerce.number().int().min(0).max(16).default(0),
  /** Loopback unless told otherwise: TLS is an ingress's. */
  UMBRA_HOST: z.string().min(1).default('127.0.0.1'),
  /** 0 takes any free port. */
  UMBRA_PORT: portSetting.default(8080),
  /** Every bundle in this folder is published when the API starts; `.umbra/models` if there is one. */
  UMBRA_MODELS_DIR: z.string().min(1).optional(),
  /** Models from the store, for pictures of their layers. */
  UMBRA_CACHE_DIR: z.string().min(1).default('.umbra/cache'),
  /** 1: bull-board at `/admin/queues`, for operators' keys. */
  UMBRA_BULL_BOARD: z.enum(['0', '1']).default('0'),
  UMBRA_SHUTDOWN_MS: count(10_000),
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
