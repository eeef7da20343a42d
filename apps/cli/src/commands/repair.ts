import { type Command, Option } from 'commander';
import type { RepairOptions } from '../actions/repair.js';
import { createCommand } from '../lib/command.js';

export const repairCommand = (): Command =>
  createCommand('repair', {
    summary: 'delete what dead processes left in the store and on this machine',
    details:
      'For the operator, on the store that UMBRA_STORE names. The service does so by itself, of all that is marked; this also looks at every dataset and job. What a record, manifest or journal names stays, and so does what got bytes within UMBRA_ABANDONED_MS.',
    examples: ['umbra repair --dry-run', 'umbra repair --json'],
  })
    .addOption(new Option('--dry-run', 'print what would be deleted, and delete nothing'))
    .addOption(new Option('--json', 'print a JSON object a line on stdout'))
    .action(async (options: RepairOptions) => {
      const { repair } = await import('../actions/repair.js');
      await repair(options);
    });
