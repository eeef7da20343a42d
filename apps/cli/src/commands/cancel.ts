import type { Command } from 'commander';
import type { CancelOptions } from '../actions/cancel.js';
import { addOptions, createCommand } from '../lib/command.js';
import { jsonOption, serviceOptions } from '../lib/options.js';

export function cancelCommand(): Command {
  const command = createCommand('cancel', {
    summary: 'cancel a job of a service, and wait until it has ended',
    details: "Finished images stay, and are in the job's archive.",
    examples: ['umbra cancel JOB', 'umbra cancel JOB --api https://umbra.example.org --json'],
  })
    .argument('<job>', 'id of the job')
    .addOption(jsonOption());
  addOptions(command, serviceOptions(), 'Service:');
  return command.action(async (job: string, options: CancelOptions) => {
    const { cancel } = await import('../actions/cancel.js');
    await cancel(job, options);
  });
}
