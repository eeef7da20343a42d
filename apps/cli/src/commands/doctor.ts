import type { Command } from 'commander';
import { createCommand } from '../lib/command.js';
import { jsonOption } from '../lib/options.js';

export const doctorCommand = (): Command =>
  createCommand('doctor', {
    summary: 'print what models run on here, and the command that installs something faster',
    examples: ['umbra doctor'],
  })
    .addOption(jsonOption())
    .action(async (options: { json?: boolean }) => {
      const { doctor } = await import('../actions/doctor.js');
      await doctor(options.json === true);
    });
