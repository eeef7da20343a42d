// Counts of tests. A suite that runs alone prints its counts last; in a run of several suites, each writes them to a
// file, and the run prints the sum last.
import { appendFileSync } from 'node:fs';
import { step } from './run.mjs';

/**
 * @typedef {object} Counts
 * @property {number} passed
 * @property {number} failed
 * @property {number} skipped
 * @property {readonly string[]} [failures] a line for each failed test whose name is known, and what it said
 */

/**
 * @param {readonly Counts[]} all
 */
export function addCounts(all) {
  /** @type {{ passed: number, failed: number, skipped: number, failures: string[] }} */
  const sum = { passed: 0, failed: 0, skipped: 0, failures: [] };
  for (const { passed, failed, skipped, failures = [] } of all) {
    sum.passed += passed;
    sum.failed += failed;
    sum.skipped += skipped;
    sum.failures.push(...failures);
  }
  return sum;
}

/**
 * @param {Counts} counts
 * @returns {string}
 */
export function summaryLine({ passed, failed, skipped }) {
  return `Tests: ${passed} passed, ${failed} failed, ${skipped} skipped`;
}

/**
 * Reports a suite's counts: in its last line or, within a run of several suites, in that run's file.
 *
 * @param {string} suite
 * @param {Counts} counts
 * @param {string | undefined} [file] file with one line of JSON for each suite
 */
export function reportCounts(suite, counts, file = process.env.UMBRA_TEST_COUNTS) {
  if (!file) {
    process.stdout.write(`${summaryLine(counts)}\n`);
    return;
  }
  appendFileSync(file, `${JSON.stringify(counts)}\n`);
  const { passed, failed, skipped } = counts;
  const all = passed + failed + skipped;
  step(`${suite}: ${all} tests, of which ${failed} failed and ${skipped} were skipped`);
}

/**
 * @param {string} xml a report in JUnit's format
 * @returns {Counts}
 */
export function countCases(xml) {
  const cases = xml.split('<testcase').slice(1);
  const failed = cases.filter((text) => /<(failure|error)\b/.test(text)).length;
  const skipped = cases.filter((text) => /<skipped\b/.test(text)).length;
  return { passed: cases.length - failed - skipped, failed, skipped };
}
