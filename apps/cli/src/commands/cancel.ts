import type { Command } from 'commander';
import { addOptions, createCommand } from '../lib/command.js';
import { serviceOptions } from '../lib/options.js';
import type { ServiceFlags } from '../lib/service.js';

export function cancelCommand(): Command {
  const command = createCommand('cancel', {
    summary: 'cancel a job of a service, and wait until it has ended',
    details: "Finished images stay, and are in the job's archive.",
    examples: ['umbra cancel JOB --api https://umbra.example.org'],
  }).argument('<job>', 'id of the job');
  addOptions(command, serviceOptions(), 'Service:');
  return command.action(async (job: string, options: ServiceFlags) => {
    const { cancel } = await import('../actions/cancel.js');
    await cancel(job, options);
  });
}
