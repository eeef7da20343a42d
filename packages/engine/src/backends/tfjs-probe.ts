import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { builtFile } from '@umbra/shared/built-file';
import type { TfjsChoice } from '@umbra/shared/contracts/provider';
import { AppError, type ErrorReport, unavailable } from '@umbra/shared/errors';
import { signalChild } from '@umbra/shared/signal-child';
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
  const entry = fileURLToPath(builtFile(import.meta.url, 'tfjs-probe-process'));
  const child = fork(entry, [choice], { stdio: 'ignore' });
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
    signalChild(child, 'SIGKILL');
  }
}
