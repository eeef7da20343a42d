import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { countCases } from './lib/counts.mjs';
import { repoRoot } from './lib/run.mjs';
import { runSuites } from './lib/suites.mjs';

/**
 * @param {import('./lib/counts.mjs').Counts | undefined} counts the suite's own report, if any
 * @param {number} [status]
 * @returns {[string, ...string[]]}
 */
function command(counts, status = 0) {
  const report = `fs.appendFileSync(process.env.UMBRA_TEST_COUNTS, JSON.stringify(${JSON.stringify(counts)}));`;
  const code = `${counts ? report : ''} process.exitCode = ${status};`;
  return [process.execPath, '--eval', code];
}

/** @type {string[]} */
const messages = [];
const report = (/** @type {string} */ message) => void messages.push(message);

it('sums the counts of several suites', async () => {
  const suites = [
    { name: 'one', commands: [command({ passed: 5, failed: 0, skipped: 2 })] },
    { name: 'counts nothing', commands: [command(undefined)] },
    { name: 'two', commands: [command({ passed: 3, failed: 0, skipped: 0 }), command(undefined)] },
  ];
  expect(await runSuites(suites, report)).toEqual({
    ...{ passed: 8, failed: 0, skipped: 2 },
    failures: [],
  });
});

it('continues after a failed suite, and counts a failure of it whatever it reports', async () => {
  const suites = [
    {
      name: 'failed',
      commands: [command({ passed: 5, failed: 2, skipped: 0, failures: ['adds: 3'] }, 1)],
    },
    {
      name: 'died',
      commands: [command(undefined, 3), command({ passed: 9, failed: 0, skipped: 0 })],
    },
    { name: 'reports no failure', commands: [command({ passed: 1, failed: 0, skipped: 0 }, 1)] },
    { name: 'does not exist', commands: [/** @type {const} */ (['/no/such/program'])] },
    { name: 'passed', commands: [command({ passed: 4, failed: 0, skipped: 0 })] },
  ];
  const counts = await runSuites(suites, report);
  expect(counts).toMatchObject({ passed: 10, failed: 5, skipped: 0 });
  expect(counts.failures).toEqual([
    'failed: adds: 3',
    expect.stringMatching(/^died: .* 3/),
    expect.stringMatching(/^reports no failure: /),
    expect.stringMatching(/^does not exist: .*no\/such\/program/),
  ]);
});

it('runs lanes side by side, and shows what a failed one printed', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'umbra-lanes-test-'));
  const path = JSON.stringify(join(folder, 'met'));
  /** @returns {[string, ...string[]]} */
  const meets = (/** @type {string} */ own, /** @type {string} */ other) => [
    process.execPath,
    '--eval',
    `fs.writeFileSync(${path} + '${own}', '');
     const until = Date.now() + 20_000;
     while (!fs.existsSync(${path} + '${other}') && Date.now() < until);
     console.log('looked for ${other}');
     process.exitCode = fs.existsSync(${path} + '${other}') ? 0 : 1;`,
  ];
  /** @type {import('./lib/suites.mjs').Suite[][]} */
  const lanes = [
    [
      { name: 'a', commands: [meets('a', 'b')] },
      { name: 'c', commands: [command({ passed: 1, failed: 0, skipped: 0 })] },
    ],
    [{ name: 'b', commands: [meets('b', 'a')] }],
    [
      {
        name: 'd',
        commands: [[process.execPath, '--eval', 'console.log("why"); process.exit(1)']],
      },
    ],
  ];
  try {
    const counts = await runSuites([lanes], report);
    expect(counts).toMatchObject({ passed: 1, failed: 1 });
    expect(counts.failures).toEqual([expect.stringMatching(/^d: .* ended with status 1$/)]);
    expect(messages).toContainEqual(expect.stringMatching(/^d: FAILED: .*\nwhy$/s));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

it('counts a suite that cannot run here as skipped', async () => {
  const suite = { name: 'not here', commands: [command(undefined, 1)], lacks: () => 'Python' };
  expect(await runSuites([suite], report)).toMatchObject({ passed: 0, failed: 0, skipped: 1 });
  expect(messages.at(-1)).toBe('not here: skipped, since this machine has no Python');
});

it('a suite prints its counts only if no run of several sums them', () => {
  const folder = mkdtempSync(join(tmpdir(), 'umbra-counts-test-'));
  const file = join(folder, 'counts.jsonl');
  const counts = { passed: 2, failed: 1, skipped: 4 };
  const code = `import { reportCounts } from './scripts/lib/counts.mjs';
    reportCounts('some', ${JSON.stringify(counts)});`;
  const runAlone = (/** @type {string} */ path) =>
    spawnSync(process.execPath, ['--input-type=module', '--eval', code], {
      cwd: repoRoot,
      env: { ...process.env, UMBRA_TEST_COUNTS: path },
      encoding: 'utf8',
    });
  try {
    expect(runAlone('').stdout).toBe('Tests: 2 passed, 1 failed, 4 skipped\n');
    const { stdout, stderr } = runAlone(file);
    expect(stdout).toBe('');
    expect(stderr).toBe('umbra: some: 7 tests, of which 1 failed and 4 were skipped\n');
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(counts);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

it('counts the cases of a JUnit report, each once', () => {
  const xml = `<testsuites><testsuite tests="4">
    <testcase name="GET /a" time="1" />
    <testcase name="GET /b"><failure type="x" message="&lt;error"/><failure/></testcase>
    <testcase name="GET /c"><error message="none"/></testcase>
    <testcase name="GET /d"><skipped/></testcase>
  </testsuite></testsuites>`;
  expect(countCases(xml)).toEqual({ passed: 1, failed: 2, skipped: 1 });
  expect(countCases('')).toEqual({ passed: 0, failed: 0, skipped: 0 });
});
