import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { hasPrograms } from './programs.js';

const script = fileURLToPath(new URL('terminal.py', import.meta.url));

/** Whether this machine has what types, and a shell. */
export const hasTerminal = hasPrograms(['python3', 'bash']);

export type Typed = {
  /** Text on the screen that is waited for. */
  readonly await: string;
  /** What is typed then; `\x03` is Ctrl-C. */
  readonly send: string;
};

export type Transcript = {
  /** Exit code; negative: the signal that ended it. */
  readonly code: number;
  /** Everything that was written, with what moves the cursor. */
  readonly screen: string;
  /** Steps that were not come to. */
  readonly left: number;
};

/** Run a program in a pseudo-terminal of its own. */
export async function runInTerminal(
  argv: readonly string[],
  options: {
    readonly env?: Record<string, string>;
    readonly cwd?: string;
    readonly steps?: readonly Typed[];
    readonly columns?: number;
    /** Time until it is ended, s (default: 60). */
    readonly timeout?: number;
  } = {},
): Promise<Transcript> {
  const order = JSON.stringify({ argv, ...options });
  const { stdout } = await promisify(execFile)('python3', [script, order], {
    maxBuffer: 16 * 1024 * 1024,
  });
  return JSON.parse(stdout) as Transcript;
}
