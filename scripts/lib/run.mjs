// Process helpers for the scripts. Node built-ins only: these files run before any dependency is installed.
import { spawn } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { delimiter, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The root of the repository, whatever the working directory. */
export const repoRoot = resolve(dirname(fileURLToPath(import.meta.url)), '../..');

/**
 * Writes progress to stderr, so that a script's own output can be piped.
 *
 * @param {string} message
 */
export function step(message) {
  process.stderr.write(`umbra: ${message}\n`);
}

/**
 * @typedef {object} RunOptions
 * @property {Record<string, string | undefined>} [env] added to the current environment
 * @property {string} [cwd] defaults to the repository root
 * @property {boolean} [quiet] buffer the output, and show it only if the command fails
 * @property {boolean} [toStderr] send the command's stdout to our stderr
 */

/** An error for the user, such as a command that did not start or ended with a status other than 0. */
export class CommandError extends Error {
  /**
   * @param {string} message
   * @param {number} code exit status for this process
   */
  constructor(message, code) {
    super(message);
    this.name = 'CommandError';
    this.code = code;
  }
}

/**
 * Runs a command to its end, without a shell.
 *
 * @param {string} cmd
 * @param {readonly string[]} args
 * @param {RunOptions} [options]
 * @returns {Promise<void>}
 */
export function run(cmd, args, options = {}) {
  const { env, cwd = repoRoot, quiet = false, toStderr = false } = options;
  const line = [cmd, ...args].join(' ');
  return new Promise((done, fail) => {
    const child = spawn(cmd, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: quiet ? ['ignore', 'pipe', 'pipe'] : ['inherit', toStderr ? 2 : 1, 2],
    });
    /** @type {Buffer[]} */
    const kept = [];
    child.stdout?.on('data', (chunk) => kept.push(chunk));
    child.stderr?.on('data', (chunk) => kept.push(chunk));
    child.on('error', (error) => {
      fail(new CommandError(`could not start "${line}": ${error.message}`, 127));
    });
    child.on('close', (code, signal) => {
      if (code === 0) return done();
      const how = signal ? `was ended by ${signal}` : `ended with status ${code}`;
      const output = Buffer.concat(kept).toString().trim();
      fail(new CommandError(`"${line}" ${how}${output ? `\n${output}` : ''}`, code || 1));
    });
  });
}

/**
 * @param {string} path
 * @returns {boolean} whether the path is an executable file
 */
export function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/**
 * @param {string} name
 * @returns {string | undefined} the first program of that name on PATH
 */
export function findOnPath(name) {
  for (const dir of (process.env.PATH ?? '').split(delimiter)) {
    if (dir === '') continue;
    const path = join(dir, name);
    if (isExecutable(path)) return path;
  }
  return undefined;
}

/**
 * Returns a free TCP port on loopback. Another process may take it first, which is rare enough for tests and demos; the
 * server that is started on it then fails to start.
 *
 * @returns {Promise<number>}
 */
export function freePort() {
  return new Promise((done, fail) => {
    const server = createServer();
    server.on('error', fail);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address ? address.port : 0;
      server.close(() => done(port));
    });
  });
}

/**
 * Runs a script's main function and converts a failure into a message and an exit status, without a stack trace if the
 * user can fix the cause.
 *
 * @param {() => Promise<number | undefined>} main
 * @returns {Promise<void>}
 */
export async function runMain(main) {
  try {
    process.exitCode = (await main()) ?? 0;
  } catch (error) {
    if (error instanceof CommandError) {
      step(error.message);
      process.exitCode = error.code;
    } else if (error instanceof Error && ['AppError', 'UmbraError'].includes(error.name)) {
      step(error.message);
      process.exitCode = 1;
    } else {
      step(error instanceof Error ? (error.stack ?? error.message) : String(error));
      process.exitCode = 1;
    }
  }
}
