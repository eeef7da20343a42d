import type { Command } from 'commander';
import type { ReportFlags } from '../actions/report.js';
import { addOptions, createCommand } from '../lib/command.js';
import { jsonOption, patientOptions, repeated } from '../lib/options.js';

export function reportCommand(): Command {
  const command = createCommand('report', {
    summary: "make and print the report of a job's images, or write the job as one HTML file",
    details:
      'Ctrl-C ends the command and not the report. With --html alone no report is made: the file is the page with the maps of the images that --sort and --where choose, and with the report where there is one. It asks no network for anything, and has no key and no address of the service.',
    examples: [
      'umbra report JOB',
      'umbra report JOB --json',
      'umbra report JOB --fail-if off-object>0.4 --fail-if border>0.6',
      'umbra report NEW --against OLD --parquet report.parquet',
      'umbra report JOB --html job.html',
      'umbra report JOB --html wrong.html --where isRight=false --images 50 --json',
    ],
  })
    .argument('<job>', 'id of the job')
    .option(
      '--group-by <what>',
      'label or predicted (default: label where half of the images have one)',
    )
    .option(
      '--others <job...>',
      'jobs on the same dataset and model with other fills, to hold maps against',
    )
    .option('--layer <layer>', 'layer whose activations tell patches apart')
    .option('--patches <n>', 'decisive patches that are clustered, 0 for none (default: 2000)')
    .option('--no-wait', 'ask for the report and end')
    .option('--against <job>', 'print how it differs from the report of this job instead')
    .addOption(
      repeated(
        '--fail-if <gate>',
        'METRIC OP VALUE that must not hold, as off-object>0.4; else the exit code is 4; may be repeated',
      ),
    )
    .option('--parquet <file>', 'Parquet file to write, a row an image, which is not there yet')
    .addOption(jsonOption());
  command
    .optionsGroup('One HTML file:')
    .option('--html <file>', 'HTML file to write, which is not there yet')
    .option('--images <n>', 'largest number of images', '200')
    .option(
      '--sort <field>',
      'order of the images, a field of rows, with - the largest first',
      '-drop',
    )
    .addOption(
      repeated(
        '--where <filter>',
        'FIELD OP VALUE that images must fit, as isRight=false; may be repeated',
      ),
    )
    .option('--max-mb <mb>', 'largest size of the file, MB', '100');
  addOptions(command, patientOptions(), 'Service:');
  return command.action(async (job: string, options: ReportFlags) => {
    const { report } = await import('../actions/report.js');
    await report(job, options);
  });
}
