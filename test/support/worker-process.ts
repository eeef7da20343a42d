import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** A worker as it is deployed: a process of its own. */
export type WorkerProcess = {
  readonly pid: number;
  /** Resolves to the exit status, or the signal that ended it. */
  readonly ended: Promise<number | string | null>;
  /** @returns The exit status, or the signal that ended it. */
  end(signal: NodeJS.Signals): Promise<number | string | null>;
};

const entry = fileURLToPath(new URL('../../apps/worker/dist/main.js', import.meta.url));

/**
 * Start a worker and wait until it takes work.
 *
 * @param onLine Told each line of its log.
 */
export async function spawnWorker(
  env: Readonly<Record<string, string>>,
  onLine: (line: string) => void = () => undefined,
): Promise<WorkerProcess> {
  const child = spawn(process.execPath, [entry], {
    env: { ...process.env, ...env, UMBRA_LOG_LEVEL: 'info' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended = once(child, 'exit').then(([status, by]) => status ?? by);
  await untilReady(child, onLine);
  return {
    pid: child.pid ?? 0,
    ended,
    async end(signal) {
      if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
      child.kill(signal);
      return ended;
    },
  };
}

function untilReady(child: ChildProcess, onLine: (line: string) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const lines: string[] = [];
    child.once('exit', () => reject(new Error(`The worker ended early:\n${lines.join('\n')}`)));
    if (child.stderr === null) throw new Error('Expected the worker to have a stderr');
    createInterface({ input: child.stderr }).on('line', (line) => {
      lines.push(line);
      onLine(line);
      if (line.includes('"worker ready"')) resolve();
    });
  });
}
