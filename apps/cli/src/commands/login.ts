import type { Command } from 'commander';
import type { LoginOptions } from '../actions/login.js';
import { createCommand } from '../lib/command.js';
import { jsonOption } from '../lib/options.js';

export const loginCommand = (): Command =>
  createCommand('login', {
    summary: 'keep the address and the key of a service for the commands that follow',
    details:
      "The key is asked for, or read from stdin, tried, and kept in umbra/login.json of the user's configuration folder, which only the user can read. It is sent to no other address.",
    examples: [
      'umbra login --url https://umbra.example.org',
      'umbra login --url https://umbra.example.org --key-file key.txt',
    ],
  })
    .option('--url <url>', 'address of the service (required)')
    .option('--key-file <file>', 'file that holds the API key (default: it is asked for)')
    .addOption(jsonOption())
    .action(async (options: LoginOptions) => {
      const { login } = await import('../actions/login.js');
      await login(options);
    });

export const logoutCommand = (): Command =>
  createCommand('logout', {
    summary: "delete what 'umbra login' kept",
    examples: ['umbra logout'],
  }).action(async () => {
    const { logout } = await import('../actions/login.js');
    await logout();
  });
