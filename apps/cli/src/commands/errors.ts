import type { Command } from 'commander';
import type { ErrorsOptions } from '../actions/errors.js';
import { addOptions, createCommand } from '../lib/command.js';
import { jsonLinesOption, serviceOptions } from '../lib/options.js';

export function errorsCommand(): Command {
  const command = createCommand('errors', {
    summary: 'print the images of a job that failed, and why',
    details: 'Exits with 0 when it has printed them, however many there are.',
    examples: ['umbra errors JOB', 'umbra errors JOB --json'],
  })
    .argument('<job>', 'id of the job')
    .addOption(jsonLinesOption());
  addOptions(command, serviceOptions(), 'Service:');
  return command.action(async (job: string, options: ErrorsOptions) => {
    const { errors } = await import('../actions/errors.js');
    await errors(job, options);
  });
}
