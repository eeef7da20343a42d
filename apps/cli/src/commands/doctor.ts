import { invalidInput } from '@umbra/shared/errors';
import { type Command, Option } from 'commander';
import type { ServiceOptions } from '../actions/check-service.js';
import { createCommand } from '../lib/command.js';
import { jsonOption } from '../lib/options.js';

export const doctorCommand = (): Command =>
  createCommand('doctor', {
    summary: 'print what models run on here, or with --service what is wrong with a service',
    details:
      'With --service, for the operator: it looks at the Redis of REDIS_URL and the store of UMBRA_STORE, says of each problem what it means and what to do, changes nothing, and exits with 1 where there is one.',
    examples: ['umbra doctor', 'umbra doctor --service --url http://127.0.0.1:8080 --json'],
  })
    .addOption(new Option('--service', 'check a running service by its Redis and its store'))
    .addOption(new Option('--url <url>', 'with --service, check the API there as well'))
    .addOption(jsonOption())
    .action(async ({ service, ...options }: ServiceOptions & { service?: boolean }) => {
      if (service !== true && options.url !== undefined) {
        throw invalidInput('Expected --url to go with --service, got it alone');
      }
      if (service === true) {
        const { checkRunning } = await import('../actions/check-service.js');
        return checkRunning(options);
      }
      const { doctor } = await import('../actions/doctor.js');
      await doctor(options.json === true);
    });
