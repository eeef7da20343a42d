import type { Command } from 'commander';
import type { TrialFlags } from '../actions/trial.js';
import { addOptions, createCommand } from '../lib/command.js';
import { jsonOption, patientOptions } from '../lib/options.js';

export function trialCommand(): Command {
  const command = createCommand('trial', {
    summary: 'try what covering a part of images does, or list such trials',
    details:
      'The cluster of the report, or the region of the input, is covered in images of its class, and pasted onto images of other classes; as much is covered and pasted elsewhere. Ctrl-C ends the command and not the trial.',
    examples: [
      'umbra trial JOB --cluster 0',
      'umbra trial JOB --class zebra --region 0,0,0.25,0.25 --images 500 --json',
      'umbra trial JOB',
      'umbra trial JOB --cancel TRIAL',
    ],
  })
    .argument('<job>', 'id of the job, which has a report')
    .option('--cluster <n>', "number of a cluster in the job's report")
    .option('--class <name>', 'class whose images are covered, with --region')
    .option('--index <n>', 'index of the class, where several have its name')
    .option('--region <box>', 'TOP,LEFT,BOTTOM,RIGHT as shares of the input, with --class')
    .option('--images <n>', 'largest number of images of each arm (default: 1000)')
    .option('--seed <n>', 'seed of what is drawn (default: 1)')
    .option('--cancel <trial>', 'id of a trial to cancel')
    .option('--no-wait', 'queue the trial and end')
    .addOption(jsonOption());
  addOptions(command, patientOptions(), 'Service:');
  return command.action(async (job: string, options: TrialFlags) => {
    const { trial } = await import('../actions/trial.js');
    await trial(job, options);
  });
}
