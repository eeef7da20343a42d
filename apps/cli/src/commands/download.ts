import type { Command } from 'commander';
import type { DownloadFlags } from '../actions/download.js';
import { addOptions, createCommand } from '../lib/command.js';
import { jsonOption, patientOptions } from '../lib/options.js';

export function downloadCommand(): Command {
  const command = createCommand('download', {
    summary: 'fetch the results of a job that has ended: what is missing of them',
    details:
      'The same command goes on after a break, mends files that were deleted or changed, and adds what a retry has finished since. Every file is compared with SHA256SUMS.',
    examples: ['umbra download JOB --out results', 'umbra download JOB --out results --json'],
  })
    .argument('<job>', 'id of the job')
    .option('--out <dir>', 'folder for the results, one without those of another job (required)')
    .addOption(jsonOption());
  addOptions(command, patientOptions(), 'Service:');
  return command.action(async (job: string, options: DownloadFlags) => {
    const { download } = await import('../actions/download.js');
    await download(job, options);
  });
}
