import { invalidInput } from '@umbra/shared/errors';
import { Command, type CommanderError, type Option } from 'commander';

const exitText = `Exit codes:
  0    all right
  1    an image, a job or the command failed
  2    wrong use, or a key or a name that the service does not know
  3    the service does not answer
  4    a report is not as --fail-if wants it
  130  interrupted`;

type CommandHelp = {
  /** One line in the list of commands. */
  readonly summary: string;
  /** Printed above the command's own options, after the summary. */
  readonly details?: string;
  readonly examples: readonly [string, ...string[]];
};

/**
 * A command whose mistakes of use are `invalid_input` in one line, and whose help ends with exit codes and
 * examples.
 *
 * Its action imports what it runs, so that `--help` loads no command.
 */
export function createCommand(name: string, { summary, details, examples }: CommandHelp): Command {
  const command = new Command(name);
  return command
    .summary(summary)
    .description(details === undefined ? summary : `${summary}\n\n${details}`)
    .helpOption('-h, --help', 'print this help')
    .addHelpText(
      'after',
      `\n${exitText}\n\nExamples:\n${examples.map((line) => `  ${line}`).join('\n')}`,
    )
    .exitOverride((error) => {
      throw error.exitCode === 0 ? error : invalidInput(describeMistake(command, error));
    })
    .configureOutput({ writeErr: () => undefined })
    .hook('preAction', (_, called) => assertValues(called));
}

/** The parser takes what follows a flag as its value, even where that is the next flag. */
function assertValues(command: Command): void {
  for (const option of command.options) {
    const value: unknown = command.getOptionValue(option.attributeName());
    if (typeof value === 'string' && value.startsWith('--')) {
      throw invalidInput(`Expected ${placeholders(option.flags)}, got '${value}'`);
    }
  }
}

/** The parser's finding, in the form of every other message. */
function describeMistake(command: Command, error: CommanderError): string {
  const help = `'${pathOf(command)} --help' lists them`;
  const [, quoted = ''] = /'(.*?)'/.exec(error.message) ?? [];
  switch (error.code) {
    case 'commander.unknownOption':
      return `Unknown option '${quoted}'${suggestion(error)}: ${help}`;
    case 'commander.unknownCommand':
      return `Unknown command '${quoted}'${suggestion(error)}: ${help}`;
    case 'commander.optionMissingArgument':
      return `Expected ${placeholders(quoted)}, got none`;
    case 'commander.missingArgument':
    case 'commander.excessArguments':
      return `Expected ${wantedArguments(command)}, got ${gotten(command.args)}`;
    case 'commander.help':
      return `Expected one of ${command.commands.map((one) => one.name()).join(', ')}, got none: ${help}`;
    default:
      return error.message.replace(/^error: /, '');
  }
}

/** The parser ends its message with `(Did you mean X?)`. */
function suggestion({ message }: CommanderError): string {
  const [, meant] = /\(Did you mean (.+)\?\)/.exec(message) ?? [];
  return meant === undefined ? '' : `, did you mean ${meant}?`;
}

function wantedArguments({ registeredArguments }: Command): string {
  const wanted = registeredArguments.map(
    (one) => `${one.variadic ? 'at least one' : 'one'} ${one.name().toUpperCase()}`,
  );
  return wanted.length === 0 ? 'no arguments' : wanted.join(' and ');
}

const gotten = (args: readonly string[]): string =>
  args.length === 0 ? 'none' : `'${args.join(' ')}'`;

/** `--out <dir>` as messages write it: `--out DIR`. */
const placeholders = (flags: string): string =>
  flags.replace(/<(.+?)>/, (_, name: string) => name.toUpperCase());

const pathOf = (command: Command): string =>
  command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;

/** Options of one heading in the help. */
export function addOptions(
  command: Command,
  options: readonly Option[],
  heading?: string,
): Command {
  for (const option of options) {
    command.addOption(heading === undefined ? option : option.helpGroup(heading));
  }
  return command;
}
