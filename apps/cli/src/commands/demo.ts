import type { Command } from 'commander';
import type { DemoOptions } from '../actions/demo.js';
import { createCommand } from '../lib/command.js';
import { jsonOption } from '../lib/options.js';

export const demoCommand = (): Command =>
  createCommand('demo', {
    summary: 'start a service here, explain the sample photos through it, and end it',
    details: "It needs the project's own folder, and a Redis or Valkey server, which it starts.",
    examples: ['umbra demo', 'umbra demo --keep'],
  })
    .option('--keep', 'leave the service running until Ctrl-C, and print its address')
    .addOption(jsonOption())
    .action(async (options: DemoOptions) => {
      const { demo } = await import('../actions/demo.js');
      await demo(options);
    });
