import type { Command } from 'commander';
import type { ReportFlags } from '../actions/report.js';
import { addOptions, createCommand } from '../lib/command.js';
import { jsonOption, patientOptions } from '../lib/options.js';

const collect = (value: string, before: readonly string[] = []): readonly string[] => [
  ...before,
  value,
];

export function reportCommand(): Command {
  const command = createCommand('report', {
    summary: 'write a job that has ended as one HTML file that needs no service',
    details:
      'The file is the page with the maps of the images that --sort and --where choose. It asks no network for anything, and has no key and no address of the service.',
    examples: [
      'umbra report JOB --html job.html',
      'umbra report JOB --html wrong.html --where isRight=false --images 50 --json',
    ],
  })
    .argument('<job>', 'id of the job')
    .option('--html <file>', 'HTML file to write, which is not there yet (required)')
    .option('--images <n>', 'largest number of images', '200')
    .option(
      '--sort <field>',
      'order of the images, a field of rows, with - the largest first',
      '-drop',
    )
    .option(
      '--where <filter>',
      'FIELD OP VALUE that images must fit, as isRight=false; may be repeated',
      collect,
    )
    .option('--max-mb <mb>', 'largest size of the file, MB', '100')
    .addOption(jsonOption());
  addOptions(command, patientOptions(), 'Service:');
  return command.action(async (job: string, options: ReportFlags) => {
    const { report } = await import('../actions/report.js');
    await report(job, options);
  });
}
