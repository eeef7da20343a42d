import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { AppError, type ErrorReport, unavailable } from '@umbra/shared/errors';
import type { TfjsRuntime } from './tfjs-runtime.js';

export type TfjsFound = Omit<TfjsRuntime, 'tf'>;
type Answer = { readonly found: TfjsFound } | { readonly error: ErrorReport };

/**
 * Which TensorFlow.js models would run on here, without keeping it. Not in a thread: a native library
 * may take the process with it when its thread ends.
 *
 * @throws {AppError} `unavailable`
 */
export async function probeTfjs(): Promise<TfjsFound> {
  // A process needs compiled files: from the sources (under a test runner) the build is used.
  const fromSource = import.meta.url.endsWith('.ts');
  const entry = fromSource
    ? '../../dist/backends/tfjs-probe-process.js'
    : './tfjs-probe-process.js';
  const child = fork(fileURLToPath(new URL(entry, import.meta.url)), { stdio: 'ignore' });
  try {
    const answer = await Promise.race([
      once(child, 'message').then(([message]) => message as Answer),
      once(child, 'exit').then(([code, signal]): Answer => {
        throw unavailable(
          `Expected an answer of TensorFlow.js, got the end of it (${signal ?? code})`,
        );
      }),
    ]);
    if ('found' in answer) return answer.found;
    throw new AppError(answer.error.code, answer.error.message);
  } finally {
    child.kill('SIGKILL');
  }
}
