import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { AppError, type ErrorReport } from '@umbra/shared';
import type { TfjsRuntime } from './runtime.js';

export type TfjsFound = Omit<TfjsRuntime, 'tf'>;

/** Which TensorFlow.js models would run on here, without keeping it. @throws {AppError} `unavailable` */
export async function probeTfjs(): Promise<TfjsFound> {
  // Threads need compiled files: from the sources (under a test runner) the build is used.
  const fromSource = import.meta.url.endsWith('.ts');
  const entry = fromSource ? '../../dist/tfjs/probe-thread.js' : './probe-thread.js';
  const thread = new Worker(new URL(entry, import.meta.url));
  try {
    const [answer] = (await once(thread, 'message')) as [
      { found: TfjsFound } | { error: ErrorReport },
    ];
    if ('found' in answer) return answer.found;
    throw new AppError(answer.error.code, answer.error.message);
  } finally {
    await thread.terminate();
  }
}
