// Long-running child processes, such as Redis and the S3 server. This module ensures that they end.
import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

/** @type {Set<import('node:child_process').ChildProcess>} */
const running = new Set();

let isWatching = false;

/**
 * As signalChild of `@umbra/shared`, which is not built yet where Redis is set up: Node.js signals any process in place
 * of one that never started.
 *
 * @param {import('node:child_process').ChildProcess} child
 * @param {NodeJS.Signals} signal
 */
function signalChild(child, signal) {
  if (child.pid !== undefined) child.kill(signal);
}

/** Ends the servers together with this process, however it ends (except by SIGKILL). */
function stopServersAtExit() {
  if (isWatching) return;
  isWatching = true;
  // 'exit' handlers must be synchronous, so they can only send a signal. SIGKILL, because nothing can wait for a graceful
  // end.
  // First of all, since what they write to is removed then, too.
  process.prependListener('exit', () => {
    for (const child of running) signalChild(child, 'SIGKILL');
  });
  // An unhandled signal ends the process without an 'exit' event. If there is another handler, that handler decides when
  // to end, and may need the servers until then.
  for (const [signal, status] of /** @type {const} */ ([
    ['SIGHUP', 129],
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ])) {
    process.on(signal, () => {
      if (process.listenerCount(signal) === 1) process.exit(status);
    });
  }
}

/**
 * @typedef {object} ServerProcess
 * @property {number | undefined} pid
 * @property {() => string} output the last part of its output so far
 * @property {() => string | undefined} ended how it ended, or undefined while it runs
 * @property {(signal: NodeJS.Signals) => void} kill sends the signal, if it runs
 * @property {() => Promise<void>} stop
 */

/**
 * Starts a server process that ends together with this process.
 *
 * @param {string} cmd
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: Record<string, string>, onOutput?: (text: string) => void }} [options]
 * @returns {ServerProcess}
 */
export function startProcess(cmd, args, options = {}) {
  stopServersAtExit();
  const child = spawn(cmd, args, {
    // In a process group of its own: Ctrl-C in a terminal signals a whole group at once, and this process must finish its
    // work before its servers end.
    detached: true,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  let output = '';
  /** @param {Buffer} chunk */
  const keep = (chunk) => {
    output = (output + chunk.toString()).slice(-8192);
    options.onOutput?.(chunk.toString());
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  /** @type {string | undefined} */
  let how;
  /** @type {Promise<void>} */
  const closed = new Promise((done) => {
    child.on('error', (error) => {
      how ??= `could not be started: ${error.message}`;
      running.delete(child);
      done();
    });
    child.on('close', (code, signal) => {
      how ??= signal ? `was ended by ${signal}` : `ended with status ${code}`;
      running.delete(child);
      done();
    });
  });

  return {
    pid: child.pid,
    output: () => output.trim(),
    ended: () => how,
    kill: (signal) => void signalChild(child, signal),
    async stop() {
      if (how !== undefined) return;
      signalChild(child, 'SIGTERM');
      const timer = setTimeout(() => signalChild(child, 'SIGKILL'), 3000);
      await closed;
      clearTimeout(timer);
    },
  };
}

/**
 * Waits until `probe` returns true. Stops the process and throws if it ends first or takes too long.
 *
 * @param {ServerProcess} server
 * @param {string} name name for the error message
 * @param {() => Promise<boolean>} probe
 * @param {number} [deadlineMs]
 */
export async function waitUntilReady(server, name, probe, deadlineMs = 10_000) {
  const deadline = Date.now() + deadlineMs;
  for (;;) {
    const ready = await probe();
    const how = server.ended();
    // Checked after the probe: if another process has taken the port, the probe may succeed.
    if (how !== undefined) throw new Error(`${name} ${how}\n${server.output()}`.trim());
    if (ready) return;
    if (Date.now() > deadline) {
      await server.stop();
      const seconds = Math.round(deadlineMs / 1000);
      throw new Error(`${name} did not answer within ${seconds} s\n${server.output()}`.trim());
    }
    await sleep(25);
  }
}
