// `npm run test:python`: the Python client's types, style, tests and notebook, against a running service. Arguments go to
// pytest, and then nothing else is run.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { addCounts, countCases, reportCounts } from './lib/counts.mjs';
import { ensureBuilt, ensureInstalled } from './lib/install.mjs';
import { ensurePython } from './lib/python.mjs';
import { CommandError, repoRoot, run, runMain, step } from './lib/run.mjs';
import { startServices } from './lib/services.mjs';

const folder = join(repoRoot, 'clients', 'python');

await runMain(async () => {
  await ensureInstalled();
  await ensureBuilt();
  const programs = await ensurePython('client', join(folder, 'requirements-test.txt'), [
    '--no-deps',
  ]);
  const dir = mkdtempSync(join(tmpdir(), 'umbra-python-'));
  const given = process.argv.slice(2);
  try {
    const counts = given.length > 0 ? [] : [await checkText(programs)];
    counts.push(await testClient(programs, dir, given));
    const sum = addCounts(counts);
    reportCounts('test:python', sum);
    return sum.failed === 0 ? 0 : 1;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});

/**
 * @param {string} programs folder of the environment's programs
 * @returns {Promise<import('./lib/counts.mjs').Counts>} one for each of style, format, types and the document's models
 */
async function checkText(programs) {
  /** @type {[string, ...string[]][]} */
  const checks = [
    ['ruff', 'check', '.'],
    ['ruff', 'format', '--check', '.'],
    ['mypy'],
    ['python', 'generate_models.py', '--check'],
  ];
  /** @type {string[]} */
  const failures = [];
  for (const [program, ...args] of checks) {
    try {
      await run(join(programs, program), args, { cwd: folder, toStderr: true });
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      failures.push(`${program} ${args.join(' ')}`);
    }
  }
  return {
    passed: checks.length - failures.length,
    failed: failures.length,
    skipped: 0,
    failures,
  };
}

/**
 * @param {string} programs
 * @param {string} dir folder of the service's files
 * @param {readonly string[]} given arguments for pytest
 */
async function testClient(programs, dir, given) {
  const { writeTinyBundle } = await import('@umbra/engine/testing');
  const { createApiKey } = await import('@umbra/platform/tenancy/api-keys');
  const { createFsStore } = await import('@umbra/platform/store/fs-store');
  mkdirSync(join(dir, 'models'));
  await writeTinyBundle(join(dir, 'models'));
  const request = { tenant: 'python', scopes: /** @type {const} */ (['admin']) };
  const { text: key } = await createApiKey(createFsStore(join(dir, 'store')), request);
  const env = {
    UMBRA_STORE: 'fs',
    UMBRA_AUTH: 'keys',
    UMBRA_MODELS_DIR: join(dir, 'models'),
    UMBRA_REQUESTS_PER_MINUTE: '1000000',
  };
  const services = await startServices({ dir, workers: 1, env, report: step });
  const junit = join(dir, 'junit.xml');
  const tests = given.length > 0 ? given : ['--nbmake', 'tests', 'examples'];
  try {
    await run(
      join(programs, 'python'),
      ['-m', 'pytest', '--junit-xml', junit, '-p', 'no:cacheprovider', ...tests],
      {
        cwd: folder,
        toStderr: true,
        env: {
          UMBRA_API_URL: services.url,
          UMBRA_API_KEY: key,
          PYTHONPATH: join(folder, 'src'),
          PYTHONDONTWRITEBYTECODE: '1',
          OMP_NUM_THREADS: '2',
        },
      },
    );
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    const counts = countCases(existsSync(junit) ? readFileSync(junit, 'utf8') : '');
    return counts.failed > 0 ? counts : { ...counts, failed: 1 };
  } finally {
    await services.stop();
  }
  return countCases(readFileSync(junit, 'utf8'));
}
