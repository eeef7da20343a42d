import { umbraVersion } from '@umbra/shared/version';
import type { Command } from 'commander';
import { activationsCommand } from './commands/activations.js';
import { articleCommand } from './commands/article.js';
import { cancelCommand } from './commands/cancel.js';
import { completionCommand } from './commands/completion.js';
import { datasetsCommand } from './commands/datasets.js';
import { demoCommand } from './commands/demo.js';
import { doctorCommand } from './commands/doctor.js';
import { downloadCommand } from './commands/download.js';
import { errorsCommand } from './commands/errors.js';
import { explainCommand } from './commands/explain.js';
import { filtersCommand } from './commands/filters.js';
import { inputCommand } from './commands/input.js';
import { jobsCommand } from './commands/jobs.js';
import { keysCommand } from './commands/keys.js';
import { layersCommand } from './commands/layers.js';
import { loginCommand, logoutCommand } from './commands/login.js';
import { logsCommand } from './commands/logs.js';
import { modelsCommand } from './commands/models.js';
import { planCommand } from './commands/plan.js';
import { receptiveFieldCommand } from './commands/receptive-field.js';
import { repairCommand } from './commands/repair.js';
import { reportCommand } from './commands/report.js';
import { retryCommand } from './commands/retry.js';
import { statusCommand } from './commands/status.js';
import { submitCommand } from './commands/submit.js';
import { tenantsCommand } from './commands/tenants.js';
import { trialCommand } from './commands/trial.js';
import { watchCommand } from './commands/watch.js';
import { createCommand } from './lib/command.js';

/** Every command of `umbra`, without what the commands run. */
export const createProgram = (): Command =>
  createCommand('umbra', {
    summary: "Which regions does the classifier's decision rest on?",
    examples: ['umbra explain photo.jpg --out heatmaps', 'umbra explain --help'],
  })
    .version(umbraVersion, '-V, --version', 'print the version')
    .commandsGroup('On this machine:')
    .addCommand(explainCommand())
    .addCommand(planCommand())
    .addCommand(modelsCommand())
    .addCommand(doctorCommand())
    .addCommand(demoCommand())
    .addCommand(completionCommand())
    .commandsGroup('Views of a model:')
    .addCommand(layersCommand())
    .addCommand(filtersCommand())
    .addCommand(activationsCommand())
    .addCommand(receptiveFieldCommand())
    .addCommand(inputCommand())
    .addCommand(articleCommand())
    .commandsGroup('Through a service:')
    .addCommand(loginCommand())
    .addCommand(logoutCommand())
    .addCommand(submitCommand())
    .addCommand(jobsCommand())
    .addCommand(statusCommand())
    .addCommand(watchCommand())
    .addCommand(logsCommand())
    .addCommand(errorsCommand())
    .addCommand(cancelCommand())
    .addCommand(retryCommand())
    .addCommand(downloadCommand())
    .addCommand(reportCommand())
    .addCommand(trialCommand())
    .addCommand(datasetsCommand())
    .commandsGroup('For the operator of a service:')
    .addCommand(keysCommand())
    .addCommand(tenantsCommand())
    .addCommand(repairCommand());
