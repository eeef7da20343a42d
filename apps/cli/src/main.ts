import { hasCode, reportError } from '@umbra/shared/errors';
import { CommanderError } from 'commander';
import { exitCodeOf, exitCodes } from './lib/exit-codes.js';
import { endWithReader, exitOnInterrupt } from './lib/interrupts.js';
import { createProgram } from './program.js';

/**
 * Run one command.
 *
 * @returns The exit code, of those that docs/cli.md lists.
 */
export async function main(args: readonly string[]): Promise<number> {
  const given = args.length === 0 ? ['--help'] : args;
  endWithReader();
  exitOnInterrupt();
  try {
    await createProgram().parseAsync(given, { from: 'user' });
    return typeof process.exitCode === 'number' ? process.exitCode : exitCodes.done;
  } catch (error) {
    // Help or the version, which is printed.
    if (error instanceof CommanderError) return error.exitCode;
    process.stderr.write(`umbra: ${reportError(error).message}\n`);
    if (hasCode(error, 'unauthorized')) process.stderr.write(`${keyAdvice}\n`);
    return exitCodeOf(error);
  }
}

const keyAdvice =
  "A key is taken from --key-file, from UMBRA_API_KEY, or from 'umbra login', the first that is there";
