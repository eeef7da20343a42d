import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { nameThisProcess } from '@umbra/platform/process-name';
import { builtFile } from '@umbra/shared/built-file';
import { AppError, type ErrorReport, unavailable } from '@umbra/shared/errors';
import { signalChild } from '@umbra/shared/signal-child';
import type { WorkerConfig } from '../config.js';
import type { LostRows, RunRows } from '../shards/run-rows.js';
import { type ApartReply, type ApartRequest, aliveEveryMs } from './messages.js';
import { outlivedPath } from './outlived.js';

/** How a request to a child process ended. */
export type ApartOutcome =
  | { readonly rows: RunRows | LostRows }
  | { readonly error: ErrorReport; readonly isOutage: boolean }
  /** What was seen of its end. */
  | { readonly died: string };

/** A process that computes rows and merges them, one request at a time. */
export type Child = {
  isUp(): boolean;
  /**
   * @throws {AppError} `cancelled` by the signal, which ends the process; `unavailable` if it cannot be asked,
   *   or does not end though it was killed.
   */
  ask(request: ApartRequest, signal: AbortSignal): Promise<ApartOutcome>;
  /** Have it end, and kill it if it does not. */
  end(): Promise<void>;
};

/** A process without a sign of life is given this long, at least. */
const minSilentMs = 30_000;
const startMs = 60_000;
/** How long one may take to end that is asked to. */
const endMs = 5_000;
/** A killed process ends within this, unless the kernel keeps it in a call. */
const killedMs = 10_000;

/**
 * @param execPath The program that runs it: node.
 * @throws {AppError} `unavailable` if no process starts.
 */
export async function startChild(
  config: Readonly<WorkerConfig>,
  execPath = process.execPath,
): Promise<Child> {
  const mark = outlivedPath(await nameThisProcess());
  const child = forkChild(execPath, mark);
  let isLost = false;
  const silentMs = Math.max(minSilentMs, config.UMBRA_BATCH_DEADLINE_S * 1000);
  const started = await converse(child, { kind: 'start', config }, { silentMs: startMs });
  if (started.kind !== 'ready') {
    signalChild(child, 'SIGKILL');
    const why = 'seen' in started ? started.seen : `replied '${started.kind}'`;
    throw unavailable(`A process for suspects did not start: ${why}`);
  }
  letGo(child);
  const isUp = () =>
    !isLost && child.connected && child.exitCode === null && child.signalCode === null;
  return {
    isUp,
    async ask(request, signal) {
      hold(child);
      const ended = await converse(child, request, { silentMs, signal });
      letGo(child);
      isLost = ended.kind === 'lost';
      if (signal.aborted) throw new AppError('cancelled', 'The work was cancelled');
      if (ended.kind === 'rows') return { rows: ended.rows };
      if (ended.kind === 'died') return { died: ended.seen };
      if (ended.kind === 'failed') return { error: ended.error, isOutage: ended.isOutage };
      const got = ended.kind === 'lost' ? ended.seen : `'${ended.kind}'`;
      throw unavailable(`Expected rows of a process for suspects, got ${got}`);
    },
    async end() {
      if (!isUp()) return;
      const timer = setTimeout(() => signalChild(child, 'SIGKILL'), endMs);
      await converse(child, { kind: 'end' }, { silentMs });
      clearTimeout(timer);
    },
  };
}

/** @throws {AppError} `unavailable` */
function forkChild(execPath: string, mark: string): ChildProcess {
  try {
    const child = fork(
      fileURLToPath(builtFile(import.meta.url, 'apart-process')),
      [String(process.pid), mark],
      {
        execPath,
        serialization: 'advanced',
        stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      },
    );
    // Without a listener an error would end this process; a conversation hears of it as well.
    child.on('error', () => undefined);
    return child;
  } catch (error) {
    throw unavailable(`A process for suspects could not be started: ${String(error)}`, error);
  }
}

/** It keeps this process alive only while it computes. */
function hold(child: ChildProcess): void {
  child.ref();
  child.channel?.ref();
}

function letGo(child: ChildProcess): void {
  child.unref();
  child.channel?.unref();
}

type Ended =
  | Exclude<ApartReply, { readonly kind: 'alive' | 'late' }>
  | { readonly kind: 'died'; readonly seen: string }
  /** It never was one, or cannot be ended: that is no image's fault. */
  | { readonly kind: 'lost'; readonly seen: string };

/** Send a request and wait for its reply, or for the end of the process: of itself, or since it is late. */
function converse(
  child: ChildProcess,
  request: ApartRequest,
  { silentMs, signal }: { readonly silentMs: number; readonly signal?: AbortSignal },
): Promise<Ended> {
  return new Promise((resolve) => {
    let late: string | undefined;
    let silentTicks = 0;
    let killed: NodeJS.Timeout | undefined;
    const lose = (seen: string) => settle({ kind: 'lost', seen });
    const kill = () => {
      signalChild(child, 'SIGKILL');
      killed ??= setTimeout(() => lose('a process that SIGKILL does not end'), killedMs);
    };
    const killLate = (seen: string) => {
      late ??= seen;
      kill();
    };
    // Ticks, not times: where this process was frozen, so was the other.
    const timer = setInterval(() => {
      silentTicks += 1;
      if (silentTicks * aliveEveryMs < silentMs) return;
      killLate(`did not answer within ${silentMs / 1000} s`);
    }, aliveEveryMs);
    const settle = (ended: Ended) => {
      clearInterval(timer);
      clearTimeout(killed);
      child.off('message', hear);
      child.off('exit', end);
      child.off('error', fail);
      signal?.removeEventListener('abort', kill);
      resolve(ended);
    };
    const hear = (reply: ApartReply) => {
      silentTicks = 0;
      if (reply.kind === 'late') killLate(`did not end within ${reply.seconds} s`);
      else if (reply.kind !== 'alive' && late === undefined) settle(reply);
    };
    const end = (code: number | null, by: NodeJS.Signals | null) =>
      settle({ kind: 'died', seen: late ?? (by === null ? `exit code ${code}` : `signal ${by}`) });
    const fail = (error: unknown) => lose(String(error));
    child.on('message', hear);
    child.once('exit', end);
    child.once('error', fail);
    signal?.addEventListener('abort', kill);
    if (signal?.aborted === true) kill();
    if (child.exitCode !== null || child.signalCode !== null) end(child.exitCode, child.signalCode);
    // Without a process there is no `exit`, and without descriptors no `send`.
    else if (child.pid === undefined || child.channel == null) lose('no process');
    else child.send(request, () => undefined);
  });
}

/** Processes need compiled files: from the sources (under a test runner) the build is used. */
