import type { Command } from 'commander';
import type { LogsOptions } from '../actions/logs.js';
import { addOptions, createCommand } from '../lib/command.js';
import { jsonLinesOption, patientOptions } from '../lib/options.js';

export function logsCommand(): Command {
  const command = createCommand('logs', {
    summary: 'print the events of a job so far, and each as it happens',
    details: 'It ends when the job has. The service keeps the last thousand events for an hour.',
    examples: ['umbra logs JOB', 'umbra logs JOB --no-follow --json'],
  })
    .argument('<job>', 'id of the job')
    .option('--no-follow', 'end after the events so far')
    .addOption(jsonLinesOption());
  addOptions(command, patientOptions(), 'Service:');
  return command.action(async (job: string, options: LogsOptions) => {
    const { logs } = await import('../actions/logs.js');
    await logs(job, options);
  });
}
