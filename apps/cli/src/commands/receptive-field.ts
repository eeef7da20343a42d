import type { Command } from 'commander';
import type { ReceptiveFieldOptions } from '../actions/receptive-field.js';
import { createCommand } from '../lib/command.js';
import { layerOption, modelOption, outOption } from '../lib/options.js';

export const receptiveFieldCommand = (): Command =>
  createCommand('receptive-field', {
    summary: 'draw the part of a photo that one unit of a layer sees',
    examples: ['umbra receptive-field photo.jpg --layer conv:2 --unit 7,7 --out field.png'],
  })
    .argument('<photo>', 'file of a photo')
    .addOption(modelOption())
    .addOption(layerOption())
    .option('--unit <unit>', 'ROW,COLUMN of the unit (default: the middle one)')
    .addOption(outOption())
    .action(async (photo: string, options: ReceptiveFieldOptions) => {
      const { receptiveField } = await import('../actions/receptive-field.js');
      await receptiveField(photo, options);
    });
