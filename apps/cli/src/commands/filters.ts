import type { Command } from 'commander';
import type { FiltersOptions } from '../actions/filters.js';
import { addOptions, createCommand } from '../lib/command.js';
import { layerOption, tileOptions } from '../lib/options.js';

export function filtersCommand(): Command {
  const command = createCommand('filters', {
    summary: "draw a convolution's weights, or save them as an array",
    examples: [
      'umbra filters efficientnet-lite0 --layer conv:1 --mode rgb --out filters.png',
      'umbra filters efficientnet-lite0 --layer conv:2 --out filters.npy',
    ],
  })
    .argument('<model>', 'name or folder of a model')
    .addOption(layerOption())
    .option('--out <file>', 'PNG or NPY file to write (required)')
    .option('--mode <mode>', 'rgb, channels or collated (default: channels)')
    .option(
      '--scale <scale>',
      "colours relative to the largest weight of the layer, or to a tile's own, as the article has them: layer or own (default: layer)",
    );
  addOptions(command, tileOptions());
  return command.action(async (model: string, options: FiltersOptions) => {
    const { filters } = await import('../actions/filters.js');
    await filters(model, options);
  });
}
