import type { Command } from 'commander';
import type { SubmitOptions } from '../actions/submit.js';
import { addOptions, createCommand } from '../lib/command.js';
import {
  jsonOption,
  modelOption,
  outputsOption,
  patientOptions,
  settingsOptions,
} from '../lib/options.js';

export function submitCommand(): Command {
  const command = createCommand('submit', {
    summary: 'explain photos through a running service, and fetch the results',
    details:
      "Photos in folders, and in zip, tar or tar.gz archives, are labelled by the folder that they lie in. The job's id is printed at once; Ctrl-C leaves the job running. What was finished is fetched, however the job ends.",
    examples: [
      'umbra submit photo.jpg --api http://127.0.0.1:8080 --out results',
      'umbra submit photo.jpg --outputs all --out results',
      'umbra submit my-dataset --target label --key-file key.txt --out results --json',
    ],
  })
    .argument('<photo...>', 'files of photos, folders, or archives')
    .addOption(modelOption())
    .option('--out <dir>', 'folder for the results, one without those of another job (required)')
    .addOption(outputsOption('heatmap,thumbnail'))
    .option('--rows-per-shard <n>', 'grid rows in one task')
    .addOption(jsonOption());
  addOptions(command, patientOptions(), 'Service:');
  addOptions(command, settingsOptions(), 'Occlusion:');
  return command.action(async (photos: string[], options: SubmitOptions) => {
    const { submit } = await import('../actions/submit.js');
    await submit(photos, options);
  });
}
