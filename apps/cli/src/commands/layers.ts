import type { Command } from 'commander';
import type { LayersOptions } from '../actions/layers.js';
import { createCommand } from '../lib/command.js';
import { jsonOption, sizeOption } from '../lib/options.js';

export const layersCommand = (): Command =>
  createCommand('layers', {
    summary: "list a model's layers: shape, window, parameters, receptive field, and names",
    examples: ['umbra layers efficientnet-lite0', 'umbra layers efficientnet-lite0 --json'],
  })
    .argument('<model>', 'name or folder of a model')
    .addOption(sizeOption())
    .addOption(jsonOption())
    .action(async (model: string, options: LayersOptions) => {
      const { layers } = await import('../actions/layers.js');
      await layers(model, options);
    });
