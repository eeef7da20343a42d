import { invalidInput } from '@umbra/shared/errors';
import type { Command } from 'commander';
import { formatCompletion, shells } from '../lib/completion.js';

/** Print a shell's completion of a program. */
export function completion(text: string, program: Command): void {
  const shell = shells.find((one) => one === text);
  if (shell === undefined) {
    throw invalidInput(`Expected SHELL to be ${shells.join(', ')}, got '${text}'`);
  }
  process.stdout.write(formatCompletion(program, shell));
}
