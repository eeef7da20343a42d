import type { Command } from 'commander';
import type { ActivationsOptions } from '../actions/activations.js';
import { addOptions, createCommand } from '../lib/command.js';
import { layerOption, modelOption, outOption, tileOptions } from '../lib/options.js';

export function activationsCommand(): Command {
  const command = createCommand('activations', {
    summary: "draw a layer's feature maps for one photo",
    examples: ['umbra activations photo.jpg --layer conv:2 --out maps.png'],
  })
    .argument('<photo>', 'file of a photo')
    .addOption(modelOption())
    .addOption(layerOption())
    .addOption(outOption());
  addOptions(command, tileOptions());
  return command.action(async (photo: string, options: ActivationsOptions) => {
    const { activations } = await import('../actions/activations.js');
    await activations(photo, options);
  });
}
