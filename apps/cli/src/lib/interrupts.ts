import { exitCodes } from './exit-codes.js';

const signals = ['SIGINT', 'SIGTERM'] as const;

/** End with 130 at the first Ctrl-C, instead of by the signal itself. */
export function exitOnInterrupt(): void {
  for (const signal of signals) process.once(signal, () => process.exit(exitCodes.interrupted));
}

/** Do work whose interruption says how to come back to it. */
export async function comingBackBy<T>(words: string, work: () => Promise<T>): Promise<T> {
  const end = (): void => {
    process.stderr.write(`\nInterrupted: ${words}\n`);
    process.exit(exitCodes.interrupted);
  };
  // Before the listener that ends without words.
  for (const signal of signals) process.prependListener(signal, end);
  try {
    return await work();
  } finally {
    for (const signal of signals) process.off(signal, end);
  }
}

/** A child in the same terminal is told of Ctrl-C as well, and ends first. */
export function leaveInterruptsToChild(): void {
  for (const signal of signals) {
    process.removeAllListeners(signal);
    process.on(signal, () => undefined);
  }
}

/** A reader that has read enough, as in `umbra jobs | head -1`, is no error. */
export function endWithReader(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
      process.exit(process.exitCode ?? exitCodes.done);
    });
  }
}
