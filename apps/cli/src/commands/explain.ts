import type { Command } from 'commander';
import type { ExplainOptions } from '../actions/explain.js';
import { addOptions, createCommand } from '../lib/command.js';
import {
  engineOptions,
  jsonOption,
  modelOption,
  outputsOption,
  settingsOptions,
} from '../lib/options.js';

export function explainCommand(): Command {
  const command = createCommand('explain', {
    summary: 'explain photos on this machine, without a service',
    details:
      'A folder gives all photos in it and below, each labelled by the folder that it lies in. A photo that cannot be explained is reported, and the others are explained.',
    examples: [
      'umbra explain photo.jpg --out heatmaps',
      'umbra explain *.jpg --patch 32,48 --stride 8 --target top:3 --out heatmaps',
      'umbra explain my-photos --target label --out heatmaps --json',
      'umbra explain photo.jpg --stride 4 --dry-run',
    ],
  })
    .argument('<photo...>', 'files of photos, or folders of them')
    .addOption(modelOption())
    .option('--out <dir>', 'folder of the results (required unless --dry-run is given)')
    .addOption(outputsOption('all'))
    .option(
      '--label <class>',
      "index or name of what the photos show, for --target label (default: each one's folder)",
    )
    .option(
      '--box <box>',
      'where they show it, X,Y,WIDTH,HEIGHT in px of the photo: --faithfulness then plays the pointing game',
    )
    .option(
      '--opacity <opacity>',
      "overlay's strongest colour over the photo, 0 to 1 (default: 0.8)",
    )
    .option('--dry-run', 'print what the run would take, and run nothing')
    .addOption(jsonOption());
  addOptions(command, settingsOptions(), 'Occlusion:');
  addOptions(command, engineOptions(), 'Engine:');
  return command.action(async (photos: string[], options: ExplainOptions) => {
    const { explain } = await import('../actions/explain.js');
    await explain(photos, options);
  });
}
