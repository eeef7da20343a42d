import { hasCode, reportError } from '@umbra/shared/errors';
import { CommanderError } from 'commander';
import { createProgram } from './program.js';

/**
 * Run one command.
 *
 * @returns The exit code: 0 done, 1 failed, 2 wrong use.
 */
export async function main(args: readonly string[]): Promise<number> {
  const given = args.length === 0 ? ['--help'] : args;
  try {
    await createProgram().parseAsync(given, { from: 'user' });
    return typeof process.exitCode === 'number' ? process.exitCode : 0;
  } catch (error) {
    // Help or the version, which is printed.
    if (error instanceof CommanderError) return error.exitCode;
    process.stderr.write(`umbra: ${reportError(error).message}\n`);
    return hasCode(error, 'invalid_input') ? 2 : 1;
  }
}
