import { commonConfig, engineConfig, intakeConfig, portSetting } from '@umbra/shared';
import { metricsConfig } from '@umbra/shared/metrics';
import { tracingConfig } from '@umbra/shared/tracing';
import { z } from 'zod';

const count = (fallback: number) => z.coerce.number().int().min(1).default(fallback);

export const apiConfig = commonConfig.extend({
  ...engineConfig.shape,
  ...intakeConfig.shape,
  ...metricsConfig.shape,
  ...tracingConfig.shape,
  /** Loopback unless told otherwise: the API has no keys yet. */
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
export type ApiConfig = z.output<typeof apiConfig>;
