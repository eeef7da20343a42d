// `node bench/planted/check.mjs --planted FOLDER mark background colour none`: starts a service that has the networks of
// make.py's folder, and has check.py hold its reports against what was planted. Arguments go to check.py.
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { ensureBuilt, ensureInstalled } from '../../scripts/lib/install.mjs';
import { ensurePython } from '../../scripts/lib/python.mjs';
import { repoRoot, run, runMain, step } from '../../scripts/lib/run.mjs';
import { startServices } from '../../scripts/lib/services.mjs';

await runMain(async () => {
  const options = /** @type {const} */ ({
    planted: { type: 'string' },
    runs: { type: 'string' },
    'run-images': { type: 'string' },
  });
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  const planted = resolve(values.planted ?? join(repoRoot, '.umbra', 'planted'));
  await ensureInstalled();
  await ensureBuilt();
  const client = join(repoRoot, 'clients', 'python');
  const programs = await ensurePython('client', join(client, 'requirements-test.txt'), [
    '--no-deps',
  ]);
  const dir = mkdtempSync(join(tmpdir(), 'umbra-planted-'));
  const models = join(dir, 'models');
  mkdirSync(models);
  for (const variant of readdirSync(planted)) {
    const model = join(planted, variant, 'model');
    if (existsSync(model)) cpSync(model, join(models, `planted-${variant}`), { recursive: true });
  }
  const env = {
    UMBRA_STORE: 'fs',
    UMBRA_MODELS_DIR: models,
    UMBRA_REQUESTS_PER_MINUTE: '1000000',
  };
  const services = await startServices({ dir, workers: 2, env, report: step });
  try {
    const given = Object.entries({ ...values, planted }).flatMap(([name, value]) => [
      `--${name}`,
      value,
    ]);
    const script = join(repoRoot, 'bench', 'planted', 'check.py');
    await run(join(programs, 'python'), [script, ...positionals, ...given], {
      cwd: dir,
      env: { UMBRA_API_URL: services.url, PYTHONPATH: join(client, 'src') },
    });
  } finally {
    await services.stop();
    rmSync(dir, { recursive: true, force: true });
  }
});
