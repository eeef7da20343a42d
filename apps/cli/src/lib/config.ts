import { commonConfig, engineConfig, modelsDirSetting, readConfig } from '@umbra/platform/config';
import { z } from 'zod';

export const cliConfig = engineConfig.extend({
  UMBRA_MODELS_DIR: modelsDirSetting,
  UMBRA_API_URL: z
    .string()
    .min(1)
    .optional()
    .describe('Address of the service that commands call, unless `--api` names one'),
  UMBRA_API_KEY: z
    .string()
    .min(1)
    .optional()
    .describe(
      'API key that commands send, unless `--key-file` names one; there is no flag for it, since arguments can be listed by anyone on the machine',
    ),
  XDG_CONFIG_HOME: z
    .string()
    .min(1)
    .optional()
    .describe('Folder of `umbra/login.json`, which `umbra login` writes; `~/.config` unless set'),
  NO_COLOR: z
    .string()
    .optional()
    .describe('Set to anything: commands draw no moving progress, as where output is no terminal'),
});

/** The environment as the commands read it. @throws {AppError} `invalid_input` */
export const readCliConfig = () => readConfig(cliConfig, process.env);

/** The environment as commands on the operator's store read it. @throws {AppError} `invalid_input` */
export const readOperatorConfig = () => readConfig(commonConfig, process.env);
