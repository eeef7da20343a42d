import type { Command } from 'commander';
import type { StatusOptions } from '../actions/status.js';
import { addOptions, createCommand } from '../lib/command.js';
import { jsonOption, serviceOptions } from '../lib/options.js';

export function statusCommand(): Command {
  const command = createCommand('status', {
    summary: 'print a job: its state, its images, its pace and what to do next',
    details: 'Exits with 1 where the job, or an image of it, failed.',
    examples: ['umbra status JOB', 'umbra status JOB --json'],
  })
    .argument('<job>', 'id of the job')
    .addOption(jsonOption());
  addOptions(command, serviceOptions(), 'Service:');
  return command.action(async (job: string, options: StatusOptions) => {
    const { status } = await import('../actions/status.js');
    await status(job, options);
  });
}
