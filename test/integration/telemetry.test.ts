import { execFile, spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Stage, setStage, until, untilFinal, writeJob } from '../support/job-fixture.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const model = join(root, 'models/efficientnet-lite0');
const photo = join(root, 'samples/photos/cat.jpg');
const run = promisify(execFile);
const canCompile = await run('cc', ['--version']).then(
  () => process.platform === 'linux',
  () => false,
);

let folder: string;
let shim: string;
let stage: Stage;
const stops: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'umbra-telemetry-'));
  shim = join(folder, 'record-network.so');
  if (!canCompile) return;
  const source = join(root, 'test/support/record-network.c');
  await run('cc', ['-shared', '-fPIC', '-o', shim, source, '-ldl']);
  stage = await setStage();
});
afterAll(async () => {
  for (const stop of stops.splice(0)) await stop();
  await stage?.close();
  await rm(folder, { recursive: true, force: true });
});

/** The library reports neither where it is told not to, nor where one of these tells that a build machine runs it. */
const silencers = [
  ...['ORT_DISABLE_TELEMETRY', 'CI', 'APPVEYOR', 'BUILDKITE', 'CIRCLECI', 'CODEBUILD_BUILD_ID'],
  ...['GITHUB_ACTIONS', 'GITLAB_CI', 'JENKINS_URL', 'TEAMCITY_VERSION', 'TF_BUILD', 'TRAVIS'],
];

/** A home of its own for a process, whose network is recorded and whose environment asks for no silence. */
async function watched(name: string, more: Readonly<Record<string, string>> = {}) {
  const home = join(folder, name);
  await mkdir(home);
  const record = `${home}.network`;
  const inherited = Object.fromEntries(
    Object.entries(process.env).filter(([variable]) => !silencers.includes(variable)),
  );
  const env = { ...inherited, HOME: home, TMPDIR: home, LD_PRELOAD: shim, RECORD_NETWORK: record };
  return {
    env: { ...env, ...more },
    /** Names and addresses that it looked up, connected to or sent to. */
    contacts: async (): Promise<string[]> => {
      const lines = await readFile(record, 'utf8').catch(() => '');
      return [...new Set(lines.split('\n').filter(Boolean))];
    },
    /** Files that something other than Umbra has left in its home. */
    left: async (): Promise<string[]> =>
      (await readdir(home, { recursive: true })).filter((path) => !path.startsWith('umbra-')),
  };
}

/** Start a process of Umbra, and wait for a message of its log. @returns The line. */
async function start(entry: string, env: NodeJS.ProcessEnv, message: string): Promise<string> {
  const child = spawn(process.execPath, [join(root, entry)], {
    env: { ...env, UMBRA_LOG_LEVEL: 'info' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const exited = new Promise((resolve) => child.once('exit', resolve));
  stops.push(() => {
    child.kill('SIGKILL');
    return exited;
  });
  return new Promise((resolve, reject) => {
    const lines: string[] = [];
    child.once('exit', () => reject(new Error(`It ended early:\n${lines.join('\n')}`)));
    createInterface({ input: child.stderr }).on('line', (line) => {
      lines.push(line);
      if (line.includes(`"${message}"`)) resolve(line);
    });
  });
}

/** The control: the library by itself, which shows what would be seen and how long it takes. */
async function startLibrary() {
  const control = await watched('control');
  const script = `require('onnxruntime-node').InferenceSession.create(process.argv[1]).then(() => setInterval(() => {}, 1000))`;
  const alone = spawn(process.execPath, ['-e', script, join(model, 'model.onnx')], {
    cwd: root,
    env: control.env,
    stdio: 'ignore',
  });
  stops.push(async () => alone.kill('SIGKILL'));
  return control;
}

describe.skipIf(!canCompile)('with the network recorded', () => {
  test('the API, a worker and the CLI contact Redis alone, and leave no id of a library', async () => {
    const { env } = stage;
    const api = await watched('api', {
      ...env,
      UMBRA_MODELS_DIR: join(root, 'models'),
      UMBRA_PORT: '0',
      UMBRA_AUTH: 'none',
    });
    const worker = await watched('worker', env);
    const cli = await watched('cli');
    const control = await startLibrary();
    await start('apps/api/dist/main.js', api.env, 'api ready');
    await start('apps/worker/dist/main.js', worker.env, 'worker ready');
    const { job } = await writeJob(stage, { images: 2 });
    expect(await untilFinal(stage, job.id)).toMatchObject({ counts: { completed: 2 } });
    const sizes = ['--patch', '64', '--stride', '64'];
    const explain = ['explain', photo, '--model', model, ...sizes, '--out', join(folder, 'maps')];
    await run(process.execPath, [join(root, 'apps/cli/bin/umbra.mjs'), ...explain], {
      env: cli.env,
    });
    const redis = new URL(stage.redisUrl);
    const known = [`connect ${redis.hostname} ${redis.port}`];
    expect(await api.contacts()).toEqual(known);
    expect(await worker.contacts()).toEqual(known);
    expect(await cli.contacts()).toEqual([]);
    expect(await api.left()).toEqual([]);
    expect(await worker.left()).toEqual([]);
    expect(await cli.left()).toEqual([]);

    await until(
      'the library to report',
      async () =>
        (await control.contacts()).some((contact) => contact.includes('events.data.')) || null,
      120_000,
    );
    expect(await control.left()).not.toEqual([]);
  }, 240_000);
});
