import type { Command } from 'commander';
import type { PlanOptions } from '../actions/plan.js';
import { addOptions, createCommand } from '../lib/command.js';
import {
  engineOptions,
  jsonOption,
  modelOption,
  settingsOptions,
  sizeOption,
} from '../lib/options.js';

export function planCommand(): Command {
  const command = createCommand('plan', {
    summary: 'print how positions would be computed',
    details:
      'The segments that reuse the baseline run, the arithmetic that they save, and the expected gain.',
    examples: [
      'umbra plan --patch 32 --stride 8',
      'umbra plan --patch 48x64 --strategy incremental --json',
    ],
  })
    .addOption(modelOption())
    .addOption(sizeOption())
    .addOption(jsonOption());
  addOptions(command, settingsOptions(), 'Occlusion:');
  addOptions(command, engineOptions(), 'Engine:');
  return command.action(async (options: PlanOptions) => {
    const { plan } = await import('../actions/plan.js');
    await plan(options);
  });
}
