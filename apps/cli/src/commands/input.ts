import type { Command } from 'commander';
import type { InputOptions } from '../actions/input.js';
import { addOptions, createCommand } from '../lib/command.js';
import { modelOption, outOption, settingsOptions } from '../lib/options.js';

export function inputCommand(): Command {
  const command = createCommand('input', {
    summary: "draw the model's input, as it is or with the patch at a position",
    examples: [
      'umbra input photo.jpg --out input.png',
      'umbra input photo.jpg --at 2,3 --patch 48 --fill blur:8 --out occluded.png',
    ],
  })
    .argument('<photo>', 'file of a photo')
    .addOption(modelOption())
    .option('--at <position>', 'ROW,COLUMN of the patch')
    .option('--grid <n>', "index of the patch's size, where --patch gives several (default: 0)")
    .addOption(outOption());
  addOptions(command, settingsOptions(), 'Occlusion:');
  return command.action(async (photo: string, options: InputOptions) => {
    const { input } = await import('../actions/input.js');
    await input(photo, options);
  });
}
