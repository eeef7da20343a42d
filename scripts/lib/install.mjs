// Prepares a fresh clone to run: installs the dependencies, then builds.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
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

/** Builds every package, and the page. The compiler is incremental: without changes this is fast. */
export async function ensureBuilt() {
  await run(bin('tsc'), ['-b'], { toStderr: true });
  await ensurePageBuilt();
}

/** Builds the page, unless it was built of the same files. Not in the compiler's way: a bundler takes seconds. */
async function ensurePageBuilt() {
  const folder = join(repoRoot, 'apps', 'web', 'dist');
  const stamp = join(folder, '.digest');
  const wanted = pageDigest(repoRoot);
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  step('building the page');
  // The page of one file is built last: it takes the documents of the other.
  for (const config of ['vite.config.ts', 'vite.offline.config.ts']) {
    const flags = ['--logLevel', 'warn', '--config', join('apps', 'web', config)];
    await run(bin('vite'), ['build', ...flags, 'apps/web'], { toStderr: true });
  }
  writeFileSync(stamp, wanted);
}

/** What the page is made of: its own files, the packages and definitions in it, and what it shares with the service. */
const pageSources = ['apps/web', 'packages/shared/src', 'docs/report.md', 'package-lock.json'];
const isPageSource = (/** @type {string} */ path) =>
  !/(^|\/)(dist|node_modules)(\/|$)|\.test\.ts$|\.tsbuildinfo$/.test(path);

/**
 * @param {string} root of the repository
 * @returns {string} a digest of every file that the page is built of
 */
export function pageDigest(root) {
  const digest = createHash('sha256');
  for (const source of pageSources) {
    const path = join(root, source);
    const names = statSync(path).isDirectory()
      ? readdirSync(path, { recursive: true, encoding: 'utf8' }).sort()
      : [''];
    for (const name of names) {
      const file = join(path, name);
      if (!isPageSource(relative(root, file)) || statSync(file).isDirectory()) continue;
      digest
        .update(`${relative(root, file)}\0`)
        .update(readFileSync(file))
        .update('\0');
    }
  }
  return digest.digest('hex');
}

/**
 * @param {string} name
 * @returns {string} the path of a dependency's program
 */
export function bin(name) {
  return join(repoRoot, 'node_modules', '.bin', name);
}
