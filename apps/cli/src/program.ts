import { umbraVersion } from '@umbra/shared/version';
import type { Command } from 'commander';
import { activationsCommand } from './commands/activations.js';
import { articleCommand } from './commands/article.js';
import { cancelCommand } from './commands/cancel.js';
import { doctorCommand } from './commands/doctor.js';
import { explainCommand } from './commands/explain.js';
import { filtersCommand } from './commands/filters.js';
import { inputCommand } from './commands/input.js';
import { keysCommand } from './commands/keys.js';
import { layersCommand } from './commands/layers.js';
import { modelsCommand } from './commands/models.js';
import { planCommand } from './commands/plan.js';
import { receptiveFieldCommand } from './commands/receptive-field.js';
import { repairCommand } from './commands/repair.js';
import { submitCommand } from './commands/submit.js';
import { tenantsCommand } from './commands/tenants.js';
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
    .commandsGroup('Views of a model:')
    .addCommand(layersCommand())
    .addCommand(filtersCommand())
    .addCommand(activationsCommand())
    .addCommand(receptiveFieldCommand())
    .addCommand(inputCommand())
    .addCommand(articleCommand())
    .commandsGroup('Through a service:')
    .addCommand(submitCommand())
    .addCommand(cancelCommand())
    .commandsGroup('For the operator of a service:')
    .addCommand(keysCommand())
    .addCommand(tenantsCommand())
    .addCommand(repairCommand());
