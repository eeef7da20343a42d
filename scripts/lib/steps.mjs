// The steps of `npm test` and `npm run check`.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { reportCounts } from './counts.mjs';
import { bin } from './install.mjs';
import { CommandError, repoRoot, run } from './run.mjs';

/** Checks format and lint in one pass that changes nothing. */
export async function checkStyle() {
  // Biome colours its output even in a log file.
  const colors = process.stdout.isTTY ? [] : ['--colors=off'];
  await run(bin('biome'), ['ci', ...colors, '.']);
}

/**
 * Runs the tests and reports the counts at the end, also for failed runs.
 *
 * @param {string} suite
 * @param {readonly string[]} [args] passed on to vitest
 * @returns {Promise<number>} the exit status
 */
export async function runTests(suite, args = []) {
  const dir = mkdtempSync(join(tmpdir(), 'umbra-report-'));
  const report = join(dir, 'report.json');
  let status = 0;
  try {
    await run(bin('vitest'), [
      'run',
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${report}`,
      ...args,
    ]);
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    status = error.code;
  }
  try {
    reportCounts(suite, countTests(JSON.parse(readFileSync(report, 'utf8'))));
  } catch {
    // No report: vitest did not start, or had an argument such as --help. Its own output shows which.
    if (status !== 0) reportCounts(suite, { passed: 0, failed: 1, skipped: 0 });
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
  return status;
}

/**
 * @typedef {object} VitestReport the fields of vitest's JSON report that are read here
 * @property {number} numPassedTests
 * @property {number} numFailedTests
 * @property {number} numPendingTests
 * @property {number} numTodoTests
 * @property {boolean} success
 * @property {{ status: string, name: string, message?: string,
 *   assertionResults: { status: string, fullName: string, failureMessages?: readonly string[] }[] }[]} testResults
 */

/** A failure is told in one line. */
const maxFailureLength = 300;

/**
 * @param {VitestReport} report
 * @returns {import('./counts.mjs').Counts}
 */
export function countTests(report) {
  // A file that cannot be loaded fails without any test to count, and an error outside of all tests fails only the run.
  // Both must count as failures.
  const brokenFiles = report.testResults.filter(
    (file) =>
      file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
  ).length;
  let failed = report.numFailedTests + brokenFiles;
  if (failed === 0 && !report.success) failed = 1;
  const skipped = report.numPendingTests + report.numTodoTests;
  return {
    passed: report.numPassedTests,
    failed,
    skipped,
    failures: report.testResults.flatMap(nameFailures),
  };
}

/**
 * @param {VitestReport['testResults'][number]} file
 * @returns {string[]}
 */
function nameFailures({ name, status, message = '', assertionResults }) {
  const path = relative(repoRoot, name);
  const tests = assertionResults.filter((test) => test.status === 'failed');
  const failures = tests.map(
    ({ fullName, failureMessages }) => `${fullName}: ${failureMessages?.[0] ?? 'no message'}`,
  );
  if (status === 'failed' && tests.length === 0) failures.push(message);
  return failures.map((failure) =>
    `${path}: ${failure.trim().split('\n')[0]}`.slice(0, maxFailureLength),
  );
}
