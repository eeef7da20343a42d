import type { Command } from 'commander';
import type { DatasetsOptions } from '../actions/datasets.js';
import { addOptions, createCommand } from '../lib/command.js';
import { jsonOption, serviceOptions } from '../lib/options.js';

export function datasetsCommand(): Command {
  const command = createCommand('datasets', {
    summary: 'list the datasets of a service, the newest first',
    examples: ['umbra datasets', 'umbra datasets --json'],
  }).addOption(jsonOption());
  addOptions(command, serviceOptions(), 'Service:');
  return command.action(async (options: DatasetsOptions) => {
    const { datasets } = await import('../actions/datasets.js');
    await datasets(options);
  });
}
