import { commonConfig, engineConfig, modelsDirSetting, readConfig } from '@umbra/platform/config';
import { z } from 'zod';

export const cliConfig = engineConfig.extend({
  UMBRA_MODELS_DIR: modelsDirSetting,
  UMBRA_API_KEY: z
    .string()
    .min(1)
    .optional()
    .describe(
      'API key that commands send, unless `--key-file` names one; there is no flag for it, since arguments can be listed by anyone on the machine',
    ),
});

/** The environment as the commands read it. @throws {AppError} `invalid_input` */
export const readCliConfig = () => readConfig(cliConfig, process.env);

/** The environment as commands on the operator's store read it. @throws {AppError} `invalid_input` */
export const readOperatorConfig = () => readConfig(commonConfig, process.env);
