import { type Command, Option } from 'commander';
import type { TenantChanges } from '../actions/tenants.js';
import { addOptions, createCommand } from '../lib/command.js';
import { jsonOption } from '../lib/options.js';

export function tenantsCommand(): Command {
  return createCommand('tenants', {
    summary: 'set, show and list the limits of tenants',
    details: 'For the operator, on the store that UMBRA_STORE names.',
    examples: ['umbra tenants set acme --images 100000 --requests-per-minute 600'],
  })
    .addCommand(setCommand())
    .addCommand(showCommand())
    .addCommand(listCommand());
}

const limitOptions = (): readonly Option[] => [
  new Option('--images <n>', 'largest number of images stored'),
  new Option('--bytes <n>', 'largest size of images stored, bytes'),
  new Option('--positions <n>', 'largest number of positions in flight'),
  new Option('--jobs <n>', 'largest number of jobs that have not ended'),
  new Option('--open-datasets <n>', 'largest number of datasets that are not complete'),
  new Option('--streams <n>', 'largest number of jobs followed at once at one API process'),
  new Option('--requests-per-minute <n>', 'largest number of requests a minute'),
  new Option('--weight <n>', 'share of the workers, relative to other tenants'),
];

function setCommand(): Command {
  const command = createCommand('set', {
    summary: "set a tenant's limits and its share of the workers",
    details:
      "N is a number, 'none' for no limit, or 'default' for the installation's; what is not given stays.",
    examples: [
      'umbra tenants set acme --images 100000 --positions 50000000',
      'umbra tenants set acme --bytes none --weight default',
    ],
  }).argument('<tenant>', 'name of the tenant');
  addOptions(command, limitOptions());
  return command
    .addOption(jsonOption())
    .action(async (tenant: string, options: TenantChanges & { json?: boolean }) => {
      const { setTenant } = await import('../actions/tenants.js');
      await setTenant(tenant, options);
    });
}

const showCommand = (): Command =>
  createCommand('show', {
    summary: 'print the limits of a tenant',
    examples: ['umbra tenants show acme --json'],
  })
    .argument('<tenant>', 'name of the tenant')
    .addOption(jsonOption())
    .action(async (tenant: string, options: { json?: boolean }) => {
      const { showTenant } = await import('../actions/tenants.js');
      await showTenant(tenant, options.json === true);
    });

const listCommand = (): Command =>
  createCommand('list', {
    summary: 'list tenants, one a line',
    examples: ['umbra tenants list'],
  }).action(async () => {
    const { printTenants } = await import('../actions/tenants.js');
    await printTenants();
  });
