// All checks that a change must pass. At the end are the names of the tests that failed; only the last line has the
// number of tests, summed over all suites.
import { spawnSync } from 'node:child_process';
import { summaryLine } from './lib/counts.mjs';
import { findOnPath, runMain, step } from './lib/run.mjs';
import { runSuites } from './lib/suites.mjs';

/** @param {readonly string[]} args */
const pythonCan = (args) => spawnSync('python3', args, { stdio: 'ignore' }).status === 0;
const script = (/** @type {[string, ...string[]]} */ ...args) =>
  /** @type {const} */ ([process.execPath, ...args]);

/** @type {Parameters<typeof runSuites>[0]} */
const suites = [
  { name: 'check', commands: [script('scripts/check.mjs', '--no-tests')] },
  { name: 'check:supply', commands: [script('scripts/check-supply.mjs')] },
  { name: 'check:ops', commands: [script('scripts/check-ops.mjs')] },
  { name: 'check:keda', commands: [script('scripts/check-keda.mjs')] },
  { name: 'tests', commands: [['npm', 'test']] },
  [
    // Waits for recoveries most of its time. One seed, so that a change is what makes it fail.
    [
      {
        name: 'test:chaos',
        commands: [script('scripts/test-chaos.mjs', '--short', '--seed', '1', '--minutes', '3')],
      },
      { name: 'test:python', commands: [script('scripts/test-python.mjs')], lacks: lacksTorch },
    ],
    [
      { name: 'test:hostile', commands: [script('scripts/test-hostile.mjs')] },
      { name: 'check:api', commands: [script('scripts/check-api.mjs')], lacks: lacksVenv },
      {
        name: 'test:tfjs-node',
        commands: [script('scripts/setup-tfjs-node.mjs'), script('scripts/test-tfjs-node.mjs')],
        lacks: lacksCompiler,
      },
    ],
  ],
];

await runMain(async () => {
  const counts = await runSuites(suites);
  for (const failure of counts.failures ?? []) step(`failed: ${failure}`);
  process.stdout.write(`${summaryLine(counts)}\n`);
  return counts.failed === 0 ? 0 : 1;
});

function lacksVenv() {
  return pythonCan(['-c', 'import ensurepip, venv']) ? undefined : 'Python with venv';
}

/** The tests' environment has wheels of PyTorch for this system alone. */
function lacksTorch() {
  if (process.platform !== 'linux' || process.arch !== 'x64') return 'Linux on x64';
  const isNew = pythonCan(['-c', 'import sys; assert (3, 11) <= sys.version_info[:2] <= (3, 14)']);
  return isNew ? lacksVenv() : 'Python from 3.11 to 3.14';
}

function lacksCompiler() {
  if (process.platform !== 'linux' || process.arch !== 'x64') return 'Linux on x64';
  if (Number(process.versions.node.split('.')[0]) >= 23) return 'Node.js 20 or 22';
  if (!pythonCan(['-m', 'pip', '--version'])) return 'Python with pip';
  return findOnPath('g++') === undefined ? 'compiler' : undefined;
}
