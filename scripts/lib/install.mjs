// Brings a fresh clone to the point where its code can run: dependencies, then the build.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CommandError, repoRoot, run, step } from './run.mjs';

const OLDEST_NODE = /** @type {const} */ ([20, 19]);

/**
 * @param {string} [version]
 * @returns {void}
 */
export function checkNode(version = process.versions.node) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1])) return;
  throw new CommandError(
    `Umbra needs Node.js ${OLDEST_NODE.join('.')} or newer, this is ${version} (${process.execPath})`,
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
 * Installs the dependencies, unless what is installed already belongs to this lock file. The
 * digest is compared rather than a time stamp: a checkout sets times as it likes.
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

/** Builds every package. The compiler is incremental: with nothing changed this is quick. */
export async function ensureBuilt() {
  await run(bin('tsc'), ['-b'], { toStderr: true });
}

/**
 * @param {string} name
 * @returns {string} the path of a program that a dependency brought
 */
export function bin(name) {
  return join(repoRoot, 'node_modules', '.bin', name);
}
