import type { Command } from 'commander';
import type { WatchOptions } from '../actions/watch.js';
import { addOptions, createCommand } from '../lib/command.js';
import { jsonLinesOption, patientOptions } from '../lib/options.js';

export function watchCommand(): Command {
  const command = createCommand('watch', {
    summary: 'follow a job to its end, with its pace and the time left',
    details:
      'Ctrl-C ends the command and not the job. With --json, a line is the job each time that it has changed, and the last line is how it ended.',
    examples: ['umbra watch JOB', 'umbra watch JOB --json'],
  })
    .argument('<job>', 'id of the job')
    .addOption(jsonLinesOption());
  addOptions(command, patientOptions(), 'Service:');
  return command.action(async (job: string, options: WatchOptions) => {
    const { watch } = await import('../actions/watch.js');
    await watch(job, options);
  });
}
