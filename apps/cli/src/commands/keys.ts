import type { Command } from 'commander';
import type { CreateKeyOptions, ListKeysOptions, RotateKeyOptions } from '../actions/keys.js';
import { createCommand } from '../lib/command.js';
import { jsonOption } from '../lib/options.js';

export function keysCommand(): Command {
  return createCommand('keys', {
    summary: 'create, list, rotate and revoke API keys',
    details: 'For the operator, on the store that UMBRA_STORE names.',
    examples: ['umbra keys create --tenant acme --scopes read,submit --expires 90d'],
  })
    .addCommand(createKeyCommand())
    .addCommand(listCommand())
    .addCommand(rotateCommand())
    .addCommand(revokeCommand());
}

const createKeyCommand = (): Command =>
  createCommand('create', {
    summary: 'create an API key and print it, this once',
    examples: [
      'umbra keys create --tenant acme --scopes submit --expires 90d',
      'umbra keys create --tenant acme --scopes read,submit,admin --name laptop',
    ],
  })
    .option('--tenant <tenant>', 'whose key it is (required)')
    .option('--scopes <scopes>', 'read, submit and admin, separated by commas (required)')
    .option('--name <name>', 'what to list it by')
    .option('--expires <time>', 'time until it ends, as 30m, 24h or 90d (default: never)')
    .addOption(jsonOption())
    .action(async (options: CreateKeyOptions) => {
      const { createKey } = await import('../actions/keys.js');
      await createKey(options);
    });

const listCommand = (): Command =>
  createCommand('list', {
    summary: 'list API keys, without their secrets',
    examples: ['umbra keys list', 'umbra keys list --tenant acme --json'],
  })
    .option('--tenant <tenant>', 'whose keys (default: of all tenants)')
    .addOption(jsonOption())
    .action(async (options: ListKeysOptions) => {
      const { listKeys } = await import('../actions/keys.js');
      await listKeys(options);
    });

const rotateCommand = (): Command =>
  createCommand('rotate', {
    summary: 'create a key like this one, which then ends after the grace period',
    examples: ['umbra keys rotate abcdefgh --grace 1h'],
  })
    .argument('<prefix>', 'prefix of the key, as keys list prints it')
    .option('--grace <time>', 'time that the old key still works, as 30m, 24h or 7d', '24h')
    .addOption(jsonOption())
    .action(async (prefix: string, options: RotateKeyOptions) => {
      const { rotateKey } = await import('../actions/keys.js');
      await rotateKey(prefix, options);
    });

const revokeCommand = (): Command =>
  createCommand('revoke', {
    summary: 'revoke a key: every API process refuses it within five seconds',
    examples: ['umbra keys revoke abcdefgh'],
  })
    .argument('<prefix>', 'prefix of the key, as keys list prints it')
    .action(async (prefix: string) => {
      const { revokeKey } = await import('../actions/keys.js');
      await revokeKey(prefix);
    });
