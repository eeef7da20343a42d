// Runs several suites, each to its end, whatever the results of the others.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { addCounts } from './counts.mjs';
import { CommandError, run, step } from './run.mjs';

/** @typedef {import('./counts.mjs').Counts} Counts */

/**
 * @typedef {object} Suite
 * @property {string} name
 * @property {readonly (readonly [string, ...string[]])[]} commands run in turn, until one fails
 * @property {() => string | undefined} [lacks] the missing requirement for which the suite is skipped
 */

/**
 * Runs suites one after another. In place of one there may be lanes, each a list of suites, that run side by side: what
 * their commands print is shown where they fail.
 *
 * @param {readonly (Suite | readonly (readonly Suite[])[])[]} plan
 * @param {(message: string) => void} [report]
 * @returns {Promise<Counts>} the sum over all suites: a skipped suite counts as one skipped test, and a failed suite
 *   without failed tests as one failed test
 */
export async function runSuites(plan, report = step) {
  const folder = mkdtempSync(join(tmpdir(), 'umbra-counts-'));
  /** @type {Counts[]} */
  const counts = [];
  /**
   * @param {readonly Suite[]} suites
   * @param {boolean} quiet
   */
  const runLane = async (suites, quiet) => {
    for (const suite of suites) {
      counts.push(await runSuite(suite, { file: join(folder, `${++files}.jsonl`), quiet, report }));
    }
  };
  let files = 0;
  try {
    for (const entry of plan) {
      if ('name' in entry) await runLane([entry], false);
      else await Promise.all(entry.map((lane) => runLane(lane, true)));
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return addCounts(counts);
}

/**
 * @param {Suite} suite
 * @param {{ file: string, quiet: boolean, report: (message: string) => void }} options
 * @returns {Promise<Counts>}
 */
async function runSuite({ name, commands, lacks }, { file, quiet, report }) {
  const missing = lacks?.();
  if (missing !== undefined) {
    report(`${name}: skipped, since this machine has no ${missing}`);
    return { passed: 0, failed: 0, skipped: 1 };
  }
  report(`${name}: started`);
  const error = await firstFailure(commands, { file, quiet });
  const counts = readCounts(file);
  if (error !== undefined) {
    report(`${name}: FAILED: ${error.message}`);
    if (counts.failed === 0) counts.failed = 1;
    if (counts.failures.length === 0) counts.failures.push(error.message.split('\n', 1)[0] ?? '');
  }
  // The end of a long log is what is kept of it.
  return { ...counts, failures: counts.failures.map((failure) => `${name}: ${failure}`) };
}

/**
 * @param {Suite['commands']} commands
 * @param {{ file: string, quiet: boolean }} options
 * @returns {Promise<CommandError | undefined>}
 */
async function firstFailure(commands, { file, quiet }) {
  try {
    for (const [program, ...args] of commands) {
      await run(program, args, { env: { UMBRA_TEST_COUNTS: file }, quiet });
    }
  } catch (error) {
    if (error instanceof CommandError) return error;
    throw error;
  }
  return undefined;
}

/**
 * @param {string} file
 */
function readCounts(file) {
  const lines = existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n') : [];
  return addCounts(lines.map((line) => JSON.parse(line)));
}
