import { engineConfig, readConfig } from '@umbra/platform/config';
import { z } from 'zod';

const cliConfig = engineConfig.extend({
  /** Where models are added, and found by name first. */
  UMBRA_MODELS_DIR: z.string().min(1).optional(),
  /** Of a service. There is no flag for it: arguments can be listed by anyone on the machine. */
  UMBRA_API_KEY: z.string().min(1).optional(),
});

/** The environment as the commands read it. @throws {AppError} `invalid_input` */
export const readCliConfig = () => readConfig(cliConfig, process.env);
