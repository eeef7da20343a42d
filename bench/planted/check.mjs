// `node bench/planted/check.mjs --planted FOLDER mark background colour none`: starts a service that has the networks of
// make.py's folder, has check.py hold its reports against what was planted, and prints what it found as JSON. Of `none`,
// --runs sets of --run-images images each, no image in two of them, are reported from the evidence of one job: in how many
// is any class significant?
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { ensureBuilt, ensureInstalled } from '../../scripts/lib/install.mjs';
import { ensurePython } from '../../scripts/lib/python.mjs';
import { repoRoot, run, runMain, step } from '../../scripts/lib/run.mjs';
import { startServices } from '../../scripts/lib/services.mjs';

await runMain(async () => {
  const options = /** @type {const} */ ({
    planted: { type: 'string', default: join(repoRoot, '.umbra', 'planted') },
    images: { type: 'string', default: '5000' },
    runs: { type: 'string', default: '100' },
    'run-images': { type: 'string', default: '200' },
  });
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  await ensureInstalled();
  await ensureBuilt();
  const [runs, size] = [Number(values.runs), Number(values['run-images'])];
  const client = join(repoRoot, 'clients', 'python');
  const programs = await ensurePython('client', join(client, 'requirements-test.txt'), [
    '--no-deps',
  ]);
  const dir = mkdtempSync(join(tmpdir(), 'umbra-planted-'));
  const planted = resolve(values.planted);
  const env = {
    UMBRA_STORE: 'fs',
    UMBRA_MODELS_DIR: gatherModels(planted, dir),
    UMBRA_REQUESTS_PER_MINUTE: '1000000',
  };
  const services = await startServices({ dir, workers: 2, env, report: step });
  try {
    const script = join(repoRoot, 'bench', 'planted', 'check.py');
    const out = join(dir, 'found.json');
    const given = Object.entries({ planted, out, images: values.images, pool: runs * size });
    await run(
      join(programs, 'python'),
      [script, ...positionals, ...given.flatMap(([name, value]) => [`--${name}`, String(value)])],
      {
        cwd: dir,
        env: { UMBRA_API_URL: services.url, PYTHONPATH: join(client, 'src') },
      },
    );
    const found = JSON.parse(readFileSync(out, 'utf8'));
    if (found.none !== undefined) {
      const job = join(dir, 'store', 'tenants', 'default', 'jobs', found.none.job);
      const evidence = join(job, 'report', 'evidence');
      Object.assign(found.none, await reportRuns(evidence, runs, size));
    }
    process.stdout.write(`${JSON.stringify(found, null, 1)}\n`);
  } finally {
    await services.stop();
    rmSync(dir, { recursive: true, force: true });
  }
});

/**
 * @param {string} planted
 * @param {string} dir
 * @returns {string} a folder with a copy of each variant's bundle, by its own name
 */
function gatherModels(planted, dir) {
  const models = join(dir, 'models');
  mkdirSync(models);
  for (const variant of readdirSync(planted)) {
    const model = join(planted, variant, 'model');
    if (existsSync(model)) cpSync(model, join(models, `planted-${variant}`), { recursive: true });
  }
  return models;
}

/**
 * @param {string} folder of a report's evidence
 * @param {number} runs
 * @param {number} size images of a run
 */
async function reportRuns(folder, runs, size) {
  const { decodeEvidence, openReportBuilder } = await import('@umbra/report');
  const images = readdirSync(folder).flatMap((file) => {
    const bytes = gunzipSync(readFileSync(join(folder, file)));
    return decodeEvidence(bytes.subarray(4 + bytes.readUInt32LE()));
  });
  const significant = [];
  for (let seed = 0; seed < runs; seed++) {
    const builder = openReportBuilder({
      ...{ seed, unit: 'probability', groupBy: 'label', maxPatches: 0, maps: [] },
    });
    const own = images.slice(seed * size, (seed + 1) * size);
    for (const image of own) builder.add(image);
    for (const image of own) builder.rank(image);
    const classes = builder
      .finish()
      .classes.filter(({ offObject, border }) => offObject?.isSignificant || border?.isSignificant);
    if (classes.length > 0)
      significant.push({ seed, classes: classes.map((one) => one.class.label) });
  }
  return { runs, runImages: size, runsWithSignificance: significant.length, which: significant };
}
