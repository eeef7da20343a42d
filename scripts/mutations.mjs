// `npm run test:mutations [-- NAME…]`: switches each safeguard off in turn, and expects its named test to fail.
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ensureBuilt, ensureInstalled } from './lib/install.mjs';
import { mutations } from './lib/mutations.mjs';
import { repoRoot, runMain, step } from './lib/run.mjs';

/** A mutated wait may last for ever; the test's own limit fails it long before this, which proves nothing. */
const limitMs = 600_000;

await runMain(async () => {
  const wanted = process.argv.slice(2);
  const unknown = wanted.filter((name) => !mutations.some((one) => one.name === name));
  if (unknown.length > 0) throw new Error(`Expected names of mutations, got ${unknown.join(', ')}`);
  await ensureInstalled();
  await ensureBuilt();
  const survived = [];
  for (const mutation of mutations) {
    if (wanted.length > 0 && !wanted.includes(mutation.name)) continue;
    const isKilled = tryMutation(mutation);
    step(`${isKilled ? 'killed  ' : 'SURVIVED'} ${mutation.name}: ${mutation.promise}`);
    if (!isKilled) survived.push(mutation.name);
  }
  await ensureBuilt();
  return survived.length === 0 ? 0 : 1;
});

/**
 * @param {import('./lib/mutations.mjs').Mutation} mutation
 * @returns {boolean} whether the test failed
 */
function tryMutation({ file, from, to, test, title }) {
  const path = join(repoRoot, file);
  const source = readFileSync(path, 'utf8');
  const restore = () => writeFileSync(path, source);
  const stop = () => {
    restore();
    process.exit(130);
  };
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  try {
    writeFileSync(
      path,
      source.replace(from, () => to),
    );
    // Processes that tests start run what was built; an edit that leaves a variable unused is built all the same.
    const folder = file.split('/').slice(0, 2).join('/');
    spawnSync('npx', ['tsc', '-b', folder], { cwd: repoRoot, stdio: 'ignore' });
    const named = title === '' ? [] : ['-t', title];
    const tested = spawnSync('npx', ['vitest', 'run', test, ...named], {
      cwd: repoRoot,
      encoding: 'utf8',
      timeout: limitMs,
      maxBuffer: 64 * 1024 * 1024,
    });
    if (tested.error !== undefined) step(`${test} did not end: ${tested.error.message}`);
    return /Tests .*\d+ failed/.test(tested.stdout);
  } finally {
    restore();
    process.off('SIGINT', stop);
    process.off('SIGTERM', stop);
  }
}
