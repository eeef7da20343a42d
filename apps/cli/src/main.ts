import { hasCode } from '@umbra/shared/errors';
import { umbraVersion } from '@umbra/shared/version';
import { article, articleUsage } from './commands/article.js';
import { cancel, cancelUsage } from './commands/cancel.js';
import { doctor, doctorUsage } from './commands/doctor.js';
import { explain, explainUsage } from './commands/explain.js';
import { keys, keysUsage } from './commands/keys.js';
import { layers, layersUsage } from './commands/layers.js';
import { models, modelsUsage } from './commands/models.js';
import { plan, planUsage } from './commands/plan.js';
import { submit, submitUsage } from './commands/submit.js';
import { tenants, tenantsUsage } from './commands/tenants.js';
import {
  activations,
  activationsUsage,
  fieldUsage,
  filters,
  filtersUsage,
  input,
  inputUsage,
  receptiveField,
} from './commands/views.js';

type Command = { readonly usage: string; readonly run: (args: string[]) => Promise<void> };

const commands: Readonly<Record<string, Command>> = {
  explain: { usage: explainUsage, run: explain },
  models: { usage: modelsUsage, run: models },
  plan: { usage: planUsage, run: plan },
  layers: { usage: layersUsage, run: layers },
  filters: { usage: filtersUsage, run: filters },
  activations: { usage: activationsUsage, run: activations },
  'receptive-field': { usage: fieldUsage, run: receptiveField },
  input: { usage: inputUsage, run: input },
  cancel: { usage: cancelUsage, run: cancel },
  doctor: { usage: doctorUsage, run: doctor },
  article: { usage: articleUsage, run: article },
  submit: { usage: submitUsage, run: submit },
  keys: { usage: keysUsage, run: keys },
  tenants: { usage: tenantsUsage, run: tenants },
};

const usage = `umbra ${umbraVersion}: which regions does the classifier's decision rest on?

${Object.values(commands)
  .map((command) => command.usage)
  .join('\n')}
  umbra --version
  umbra --help`;

/**
 * Run one command.
 *
 * @returns The exit code: 0 done, 1 failed, 2 wrong use.
 */
export async function main(args: string[]): Promise<number> {
  const [name, ...rest] = args;
  if (name === '--version') return print(umbraVersion, 0);
  if (name === undefined || name === '--help' || name === 'help') return print(usage, 0);
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command === undefined) return complain(`Unknown command '${name}'\n\n${usage}`, 2);
  if (rest.includes('--help')) return print(command.usage, 0);
  try {
    await command.run(rest);
    return typeof process.exitCode === 'number' ? process.exitCode : 0;
  } catch (error) {
    if (isUsageError(error)) return complain(`${error.message}\n\n${command.usage}`, 2);
    return complain(error instanceof Error ? error.message : String(error), exitCodeOf(error));
  }
}

function print(text: string, exitCode: number): number {
  process.stdout.write(`${text}\n`);
  return exitCode;
}

function complain(text: string, exitCode: number): number {
  process.stderr.write(`umbra: ${text}\n`);
  return exitCode;
}

const exitCodeOf = (error: unknown): number => (hasCode(error, 'invalid_input') ? 2 : 1);

/** Errors of `node:util`'s parseArgs carry these codes. */
function isUsageError(error: unknown): error is Error {
  return (
    error instanceof Error &&
    'code' in error &&
    typeof error.code === 'string' &&
    error.code.startsWith('ERR_PARSE_ARGS')
  );
}
