// `npm run check:api`: sends a running service the requests that its OpenAPI document allows and forbids, and checks
// every response against the document. Arguments go to Schemathesis, whose report is printed if it found a fault.
import { spawn } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from '../test/trials/client.mjs';
import { until } from '../test/trials/until.mjs';
import { countCases, reportCounts } from './lib/counts.mjs';
import { ensureBuilt, ensureInstalled } from './lib/install.mjs';
import { ensurePython } from './lib/python.mjs';
import { CommandError, repoRoot, runMain, step } from './lib/run.mjs';
import { startServices } from './lib/services.mjs';

const logFile = join(repoRoot, '.umbra', 'check-api.log');
const minRequests = 2_000;
/** Operations that no request can succeed at here: any other must, or it is only ever tried on what does not exist. */
const impossible = [
  // A folder has no addresses to upload to.
  'POST /v1/datasets/{dataset}/uploads',
  // No generated file is a model; test/integration/model-uploads.test.ts sends some.
  'POST /v1/models',
];
/** Limits that no request reaches: a 429 would hide the response that is checked. */
const withKeys = {
  UMBRA_STORE: 'fs',
  UMBRA_AUTH: 'keys',
  UMBRA_REQUESTS_PER_MINUTE: '1000000',
  UMBRA_BAD_KEYS_PER_MINUTE: '1000000',
  // For the one webhook of the seeds; hooks.py takes all others out.
  UMBRA_WEBHOOK_ALLOW_PRIVATE: '1',
};
const checks = [
  'not_a_server_error',
  'status_code_conformance',
  'content_type_conformance',
  'response_schema_conformance',
  'response_headers_conformance',
  'negative_data_rejection',
  'unsupported_method',
  'ignored_auth',
];

await runMain(async () => {
  await ensureInstalled();
  await ensureBuilt();
  const fuzz = join(repoRoot, 'test', 'fuzz');
  const programs = await ensurePython('schemathesis', join(fuzz, 'requirements.txt'));
  const dir = mkdtempSync(join(tmpdir(), 'umbra-fuzz-'));
  const { writeTinyBundle } = await import('@umbra/engine/testing');
  mkdirSync(join(dir, 'models'));
  await writeTinyBundle(join(dir, 'models'));
  const env = { UMBRA_MODELS_DIR: join(dir, 'models'), ...withKeys };
  const { createApiKey } = await import('@umbra/platform/tenancy/api-keys');
  const { createFsStore } = await import('@umbra/platform/store/fs-store');
  const request = { tenant: 'fuzz', scopes: /** @type {const} */ (['admin']) };
  const { text: apiKey } = await createApiKey(createFsStore(join(dir, 'store')), request);
  const services = await startServices({ dir, workers: 1, env, report: step });
  try {
    const seeds = await makeSeeds(services.url, apiKey);
    const started = performance.now();
    const status = await schemathesis(join(programs, 'st'), dir, services.url, {
      SCHEMATHESIS_HOOKS: 'hooks',
      PYTHONPATH: fuzz,
      UMBRA_FUZZ_KEY: apiKey,
      UMBRA_FUZZ_SEEDS: JSON.stringify(seeds),
    });
    const seconds = ((performance.now() - started) / 1000).toFixed(0);
    return reportResult(status, join(dir, 'junit.xml'), seconds);
  } finally {
    await services.stop();
    rmSync(dir, { recursive: true, force: true });
  }
});

/**
 * @param {number} status of Schemathesis
 * @param {string} junit path of its report: one case for each operation
 * @param {string} seconds
 * @returns {number} exit status of this script
 */
function reportResult(status, junit, seconds) {
  const log = readFileSync(logFile, 'utf8');
  const requests = Number(/^Requests: (\d+)/m.exec(log)?.[1] ?? 0);
  const counts = countCases(existsSync(junit) ? readFileSync(junit, 'utf8') : '');
  if (status !== 0) {
    process.stdout.write(log);
    step('a response does not match the document');
  }
  step(`${requests} requests to ${counts.passed + counts.failed} operations in ${seconds} s`);
  const isWhole = process.argv.length === 2;
  const tooFew = requests < minRequests && isWhole;
  if (tooFew) step(`Expected ${minRequests} requests, got ${requests}`);
  const never = [...log.matchAll(/^Never succeeded: (.*)$/gm)]
    .map(([, operation = '']) => operation)
    .filter((operation) => !impossible.includes(operation));
  const isIdle = never.length > 0 && isWhole;
  if (isIdle)
    step(`Expected each operation to succeed at least once, got none of ${never.join('; ')}`);
  if (counts.failed === 0 && (status !== 0 || tooFew || isIdle)) counts.failed = 1;
  reportCounts('check:api', counts);
  return counts.failed === 0 ? 0 : 1;
}

/**
 * Values that requests may use, by parameter: a finished job with its dataset. And by operation, those that it needs:
 * jobs to be paused, cancelled or retried, one whose webhook nobody takes, and uploads of archives.
 *
 * @param {string} baseUrl
 * @param {string} apiKey
 */
async function makeSeeds(baseUrl, apiKey) {
  const { createUmbraClient } = await import('@umbra/client');
  const client = createUmbraClient({ baseUrl, apiKey });
  const images = ['red', 'green', 'blue'].map(async (background) => {
    const bytes = await drawPhoto(background);
    return { name: `${background}.png`, data: new Blob([new Uint8Array(bytes)]) };
  });
  const dataset = await client.uploadImages(await Promise.all(images));
  const job = await client.createJob({
    dataset: dataset.id,
    model: 'tiny',
    settings: { patch: 16 },
  });
  const { state } = await client.waitForJob(job.id, { pollMs: 100 });
  if (state !== 'completed') throw new CommandError(`Expected a completed job, got ${state}`, 1);
  await client.requestReport(job.id);
  const report = await client.waitForReport(job.id, { pollMs: 100 });
  if (report.error !== null)
    throw new CommandError(`Expected a report, got ${report.error.message}`, 1);
  const { classes, patches } = await client.getReport(job.id);
  const name = classes[0]?.class.label ?? '';
  const crop = patches.clusters[0]?.members[0]?.id ?? '';
  /** @type {import('@umbra/client').TrialOptions} */
  const wish = {
    of: {
      kind: 'region',
      class: name,
      region: { top: 0, left: 0, bottom: 0.5, right: 0.5 },
    },
  };
  const trial = await client.createTrial(job.id, wish);
  return {
    photo: (await drawPhoto('grey')).toString('base64'),
    dataset: [dataset.id],
    job: [job.id],
    other: [job.id],
    trial: [trial.id],
    image: ['img_00000000', 'img_00000001'],
    // The overlay is not stored, and so it is drawn.
    file: ['result.json', 'heatmap.png', 'scores.npy', 'overlay.png'],
    include: ['overlay,thumbnail'],
    model: ['tiny'],
    layer: ['conv:0', '0'],
    ...{ row: [0, 1], column: [0, 1], grid: [0], unit: ['0,0'], page: [1], size: ['32x32'] },
    class: [name],
    operations: {
      ...(await makeOwnSeeds(baseUrl, apiKey, dataset.id)),
      deleteModel: await uploadModels(client, ['unwanted-a', 'unwanted-b']),
      getReportCrop: [{ job: job.id, image: crop }],
      cancelTrial: [{ job: job.id, trial: trial.id }],
    },
  };
}

/**
 * @param {string} baseUrl
 * @param {string} apiKey
 * @param {string} dataset
 */
async function makeOwnSeeds(baseUrl, apiKey, dataset) {
  const { ask, json } = createClient(baseUrl, apiKey);
  const post = (/** @type {string} */ path, /** @type {unknown} */ body) => ask(path, json(body));
  /** A job that would take long, once it was told to `change`. */
  const changed = async (/** @type {'pause' | 'cancel'} */ change) => {
    const { id } = await post('/v1/jobs', {
      dataset,
      model: 'tiny',
      settings: { patch: 1, stride: 1 },
    });
    await ask(`/v1/jobs/${id}/${change}`, { method: 'POST' });
    return { job: id };
  };
  // Nobody listens there, so its event stays undelivered.
  const webhook = { url: 'http://127.0.0.1:9/' };
  const { id: unheard } = await post('/v1/jobs', { dataset, model: 'tiny', webhook });
  const { id: open } = await post('/v1/datasets', {});
  const archives = async (/** @type {number} */ count) => {
    const begun = [];
    for (let index = 0; index < count; index++) {
      const { id } = await post(`/v1/datasets/${open}/archives`, { format: 'zip', bytes: 1_000 });
      begun.push({ dataset: open, archive: id });
    }
    return begun;
  };
  /** A job whose report may be deleted. */
  const reported = async () => {
    const { id } = await post('/v1/jobs', { dataset, model: 'tiny' });
    await until('a finished job', async () => (await ask(`/v1/jobs/${id}`)).state === 'completed');
    await post(`/v1/jobs/${id}/report`, {});
    return { job: id };
  };
  await until('an undelivered event', async () => {
    return (await ask(`/v1/jobs/${unheard}/deliveries`)).data.length > 0;
  });
  return {
    pauseJob: [await changed('pause')],
    resumeJob: [await changed('pause')],
    cancelJob: [await changed('pause')],
    retryJob: [await changed('cancel'), await changed('cancel')],
    redeliverWebhook: [{ job: unheard }],
    deleteReport: [await reported(), await reported()],
    rotateWebhookSecret: [{ job: unheard }],
    ...{ getArchiveUpload: await archives(2), appendArchive: await archives(4) },
    deleteArchiveUpload: await archives(6),
  };
}

/**
 * Models of the tenant's own, which may be deleted.
 *
 * @param {import('@umbra/client').UmbraClient} client
 * @param {readonly string[]} names
 */
async function uploadModels(client, names) {
  const { encodeOnnx, tinyNetwork } = await import('@umbra/engine/testing');
  const onnx = new Blob([new Uint8Array(encodeOnnx(tinyNetwork()))]);
  /** @type {import('@umbra/client').ModelUpload} */
  const claims = {
    name: '',
    output: 'logits',
    ...{ size: { height: 32, width: 32 }, scale: 1 / 255, mean: [0.5, 0.5, 0.5] },
    ...{ std: [0.25, 0.25, 0.25], licence: 'Apache-2.0' },
  };
  for (const name of names) await client.uploadModel(onnx, { ...claims, name });
  return names.map((model) => ({ model }));
}

/** @param {string} background */
async function drawPhoto(background) {
  const { default: sharp } = await import('sharp');
  const create = { width: 40, height: 36, channels: /** @type {const} */ (3), background };
  return sharp({ create }).png().toBuffer();
}

/**
 * @param {string} program
 * @param {string} dir
 * @param {string} url
 * @param {Record<string, string>} env
 * @returns {Promise<number>} its exit status; its output is in the log file
 */
function schemathesis(program, dir, url, env) {
  const args = [
    ...['--config-file', join(repoRoot, 'test', 'fuzz', 'schemathesis.toml')],
    ...['run', `${url}/v1/openapi.json`, '--no-color'],
    ...['--phases', 'examples,coverage,fuzzing,stateful', '--max-examples', '50', '--workers', '1'],
    ...['--checks', checks.join(',')],
    ...['--request-timeout', '15', '--continue-on-failure', '--suppress-health-check', 'all'],
    ...['--seed', '1', '--generation-database', 'none'],
    ...['--report', 'junit', '--report-junit-path', join(dir, 'junit.xml')],
    ...['--generation-with-security-parameters', 'false'],
    ...process.argv.slice(2),
  ];
  const log = openSync(logFile, 'w');
  return new Promise((done, fail) => {
    const child = spawn(program, args, {
      // It writes its own files into the working directory.
      cwd: dir,
      env: { ...process.env, ...env },
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    child.on('error', fail);
    child.on('close', (code) => done(code ?? 1));
  });
}
