import { type ChildProcess, fork } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { builtFile } from '@umbra/shared/built-file';
import { AppError, type ErrorReport, invalidInput, unavailable } from '@umbra/shared/errors';
import { signalChild } from '@umbra/shared/signal-child';
import type { Decoded, DecodeTask } from './decode-task.js';

/** Child processes that decode photos: a photo that kills its decoder costs itself alone. */
export type DecoderPool = {
  /**
   * @throws {AppError} `invalid_input` if the photo cannot be decoded, kills what decodes it, or takes
   *   too long; `unavailable` if no process can be started.
   */
  run(bytes: Buffer, task: DecodeTask): Promise<Decoded<DecodeTask['kind']>>;
  close(): void;
};

export type DecoderPoolOptions = {
  /** Photos decoded at once, one a process. */
  readonly processes: number;
  /** Time that one photo may take, ms. */
  readonly timeoutMs?: number;
  /** Hears of each process that ended at a photo, or was ended at its deadline. */
  readonly onDeath?: () => void;
  /** The compiled module that each process runs. */
  readonly entry?: URL;
};

type Reply =
  | { readonly decoded: Decoded<DecodeTask['kind']> }
  | { readonly error: ErrorReport }
  /** How the process ended. */
  | { readonly died: string };
type Outcome = Reply | { readonly late: true };

/** A photo of 100 megapixels takes seconds. */
const defaultTimeoutMs = 120_000;
/** A process may be killed for what another one did, as for the memory of a machine. */
const maxDeaths = 2;

export function openDecoderPool({
  processes,
  timeoutMs = defaultTimeoutMs,
  onDeath = () => undefined,
  entry = builtFile(import.meta.url, 'decode-process'),
}: DecoderPoolOptions): DecoderPool {
  /** Processes without a photo; null for one that is not started yet. */
  const idle: (ChildProcess | null)[] = Array.from({ length: processes }, () => null);
  const waiting: ((child: ChildProcess | null) => void)[] = [];
  const children = new Set<ChildProcess>();

  /** Take the one that was used last: those that are not needed are never started. */
  const take = (): Promise<ChildProcess | null> =>
    new Promise((resolve) => {
      if (idle.length === 0) waiting.push(resolve);
      else resolve(idle.pop() ?? null);
    });
  const giveBack = (child: ChildProcess | null): void => {
    const next = waiting.shift();
    if (next === undefined) idle.push(child);
    else next(child);
  };
  const start = async (): Promise<ChildProcess> => {
    const child = fork(fileURLToPath(entry), { serialization: 'advanced', stdio: 'ignore' });
    children.add(child);
    child.once('exit', () => children.delete(child));
    const reply = await nextOf(child);
    if ('died' in reply) throw unavailable(`A decoding process did not start: ${reply.died}`);
    return child;
  };
  const ask = async (child: ChildProcess, bytes: Buffer, task: DecodeTask): Promise<Outcome> => {
    const reply = nextOf(child);
    child.send({ bytes, task }, () => undefined);
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      signalChild(child, 'SIGKILL');
    }, timeoutMs);
    const outcome = await reply.finally(() => clearTimeout(timer));
    return late && 'died' in outcome ? { late: true } : outcome;
  };
  const decodeOnce = async (bytes: Buffer, task: DecodeTask): Promise<Outcome> => {
    let child = await take();
    try {
      if (child?.connected !== true) child = await start();
      // A process keeps this one alive only while it has a photo.
      hold(child);
      return await ask(child, bytes, task);
    } finally {
      if (child !== null) letGo(child);
      giveBack(child);
    }
  };

  return {
    async run(bytes, task) {
      let seen = '';
      for (let deaths = 0; deaths < maxDeaths; deaths++) {
        const reply = await decodeOnce(bytes, task);
        if ('late' in reply || 'died' in reply) onDeath();
        if ('late' in reply) {
          throw invalidInput(
            `Expected an image that is decoded within ${timeoutMs / 1000} s, got one that is not (sha256 ${digestOf(bytes)})`,
          );
        }
        if ('decoded' in reply) return reply.decoded;
        if ('error' in reply) throw new AppError(reply.error.code, reply.error.message);
        seen = reply.died;
      }
      throw invalidInput(
        `Expected an image that can be decoded, got one that killed ${maxDeaths} processes while decoding (${seen}; sha256 ${digestOf(bytes)})`,
      );
    },
    close() {
      for (const child of children) child.disconnect();
    },
  };
}

function hold(child: ChildProcess): void {
  child.ref();
  child.channel?.ref();
}

function letGo(child: ChildProcess): void {
  child.unref();
  child.channel?.unref();
}

/** Wait for a process's next message, or its end. */
async function nextOf(child: ChildProcess): Promise<Reply> {
  const heard = new AbortController();
  const { signal } = heard;
  try {
    return await Promise.race([
      once(child, 'message', { signal }).then(([reply]) => reply as Reply),
      once(child, 'exit', { signal }).then(
        ([code, by]): Reply => ({
          died: by === null ? `exit code ${code}` : `signal ${by}`,
        }),
      ),
    ]);
  } catch (error) {
    throw unavailable(`A decoding process could not be run: ${String(error)}`, error);
  } finally {
    heard.abort();
  }
}

const digestOf = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
