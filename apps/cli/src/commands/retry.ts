import type { Command } from 'commander';
import type { RetryOptions } from '../actions/retry.js';
import { addOptions, createCommand } from '../lib/command.js';
import { jsonOption, serviceOptions } from '../lib/options.js';

export function retryCommand(): Command {
  const command = createCommand('retry', {
    summary: 'run the images of an ended job that failed or were not run',
    details: "Finished ones stay as they are; 'umbra download' adds the others to a folder.",
    examples: ['umbra retry JOB', 'umbra retry JOB --json'],
  })
    .argument('<job>', 'id of the job')
    .addOption(jsonOption());
  addOptions(command, serviceOptions(), 'Service:');
  return command.action(async (job: string, options: RetryOptions) => {
    const { retry } = await import('../actions/retry.js');
    await retry(job, options);
  });
}
