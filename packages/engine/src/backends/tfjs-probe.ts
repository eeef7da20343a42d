import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { TfjsChoice } from '@umbra/shared/contracts/provider';
import { AppError, type ErrorReport, unavailable } from '@umbra/shared/errors';
import type { TfjsRuntime } from './tfjs-runtime.js';

export type TfjsFound = Omit<TfjsRuntime, 'tf'>;
type ProbeReply = { readonly found: TfjsFound } | { readonly error: ErrorReport };

/**
 * Find the TensorFlow.js that models would run on here, and unload it again. It runs in a process of
 * its own: a native library may end the whole process when its thread ends.
 *
 * @param choice The package to take; the best that loads if left out.
 * @throws {AppError} `unavailable`
 */
export async function probeTfjs(choice: TfjsChoice = 'auto'): Promise<TfjsFound> {
  // A process needs compiled files: from the sources (under a test runner) the build is used.
  const fromSource = import.meta.url.endsWith('.ts');
  const entry = fromSource
    ? '../../dist/backends/tfjs-probe-process.js'
    : './tfjs-probe-process.js';
  const child = fork(fileURLToPath(new URL(entry, import.meta.url)), [choice], { stdio: 'ignore' });
  try {
    const reply = await Promise.race([
      once(child, 'message').then(([message]) => message as ProbeReply),
      once(child, 'exit').then(([code, signal]): ProbeReply => {
        throw unavailable(
          `Expected an answer of TensorFlow.js, got the end of it (${signal ?? code})`,
        );
      }),
    ]);
    if ('found' in reply) return reply.found;
    throw new AppError(reply.error.code, reply.error.message);
  } finally {
    child.kill('SIGKILL');
  }
}
