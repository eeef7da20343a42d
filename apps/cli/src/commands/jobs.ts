import type { Command } from 'commander';
import type { JobsOptions } from '../actions/jobs.js';
import { addOptions, createCommand } from '../lib/command.js';
import { jsonOption, serviceOptions } from '../lib/options.js';

export function jobsCommand(): Command {
  const command = createCommand('jobs', {
    summary: 'list the jobs of a service, the newest first',
    examples: ['umbra jobs', 'umbra jobs --state failed --limit 5 --json'],
  })
    .option('--state <state>', 'only jobs in this state, such as in_progress or completed')
    .option('--text <text>', 'only jobs with this text in id, model, dataset or metadata')
    .option('--limit <n>', 'largest number of jobs printed', '20')
    .addOption(jsonOption());
  addOptions(command, serviceOptions(), 'Service:');
  return command.action(async (options: JobsOptions) => {
    const { jobs } = await import('../actions/jobs.js');
    await jobs(options);
  });
}
