// Prepares a fresh clone to run: installs the dependencies, then builds.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CommandError, repoRoot, run, step } from './run.mjs';

const MIN_NODE = /** @type {const} */ ([20, 19]);

/**
 * @param {string} [version]
 * @returns {void}
 */
export function checkNode(version = process.versions.node) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > MIN_NODE[0] || (major === MIN_NODE[0] && minor >= MIN_NODE[1])) return;
  throw new CommandError(
    `Umbra needs Node.js ${MIN_NODE.join('.')} or newer, this is ${version} (${process.execPath})`,
    1,
  );
}

/** @returns {string | undefined} the digest of the lock file, if there is one */
function lockDigest() {
  const lock = join(repoRoot, 'package-lock.json');
  if (!existsSync(lock)) return undefined;
  return createHash('sha256').update(readFileSync(lock)).digest('hex');
}

/**
 * Installs the dependencies, unless the installed ones match this lock file. Compares the digest and not a timestamp: a
 * checkout changes timestamps.
 */
export async function ensureInstalled() {
  checkNode();
  const stamp = join(repoRoot, 'node_modules', '.umbra-lock');
  const wanted = lockDigest();
  if (wanted !== undefined && existsSync(stamp) && readFileSync(stamp, 'utf8').trim() === wanted) {
    return;
  }
  const command = wanted === undefined ? 'install' : 'ci';
  step(`installing dependencies (npm ${command})`);
  await run('npm', [command, '--no-audit', '--no-fund'], { toStderr: true });
  const installed = lockDigest();
  if (installed !== undefined) writeFileSync(stamp, `${installed}\n`);
}

/** Builds every package. The compiler is incremental: without changes this is fast. */
export async function ensureBuilt() {
  await run(bin('tsc'), ['-b'], { toStderr: true });
}

/**
 * @param {string} name
 * @returns {string} the path of a dependency's program
 */
export function bin(name) {
  return join(repoRoot, 'node_modules', '.bin', name);
}
