import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createApiKey } from '@umbra/platform/tenancy/api-keys';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { exitCodeOf } from '../support/exit-code.js';
import { makePhotos, startService, type TestService } from '../support/service.js';
import { hasTerminal, runInTerminal, type Transcript, type Typed } from '../support/terminal.js';

// Transcripts of commands as a person types them: in a pseudo-terminal, with the exit codes of docs/cli.md.

// Each types several commands, and each of them is a process.
vi.setConfig({ testTimeout: 180_000 });

const umbra = fileURLToPath(new URL('../../apps/cli/bin/umbra.mjs', import.meta.url));
const grid = ['--model', 'tiny', '--patch', '16', '--stride', '16'];
let service: TestService;
/** One that asks for keys. */
let locked: TestService;
let key: string;
let folder: string;
let photo: string;

beforeAll(async () => {
  [service, locked] = await Promise.all([startService(), startService({ UMBRA_AUTH: 'keys' })]);
  await service.startWorker();
  const made = await createApiKey(locked.store, { tenant: 'acme', scopes: ['submit'] });
  key = made.text;
  folder = await mkdtemp(join(tmpdir(), 'umbra-terminal-'));
  photo = join(folder, 'photo.png');
  const [first] = await makePhotos(1);
  await writeFile(photo, first?.bytes ?? '');
});
afterAll(async () => {
  await Promise.all([service.close(), locked.close()]);
  await rm(folder, { recursive: true, force: true });
});

type Typing = { readonly env?: Record<string, string>; readonly steps?: readonly Typed[] };

/** Type a command whose words are shown; the service is that of the test unless `env` names another. */
function type(
  words: readonly string[],
  { env = {}, steps = [] }: Typing = {},
): Promise<Transcript> {
  return runInTerminal([process.execPath, umbra, ...words], {
    env: { ...plainEnv(), ...env },
    steps,
  });
}

/** Type a line into a shell that knows `umbra`. */
const typeLine = (line: string): Promise<Transcript> =>
  runInTerminal(
    ['bash', '-o', 'pipefail', '-c', `umbra() { '${process.execPath}' '${umbra}' "$@"; }; ${line}`],
    {
      env: plainEnv(),
    },
  );

const plainEnv = (): Record<string, string> => ({
  UMBRA_API_URL: service.url,
  UMBRA_API_KEY: '',
  UMBRA_MODELS_DIR: join(service.folder, 'models'),
  XDG_CONFIG_HOME: join(folder, 'config'),
  NO_COLOR: '',
  TERM: 'xterm',
});

const outOf = (name: string): string => join(folder, name);
const jobIn = ({ screen }: Transcript): string => /job_[0-9a-v]{20}/.exec(screen)?.[0] ?? '';

/** Photos of which one has a label that is no class of the model. */
async function makeLabelled(name: string): Promise<string> {
  for (const label of ['kind 1', 'dog']) {
    await mkdir(join(folder, name, label), { recursive: true });
    await copyFile(photo, join(folder, name, label, 'photo.png'));
  }
  return join(folder, name);
}

/** Submit a job of one image that failed, beside one that did not. */
async function submitHalf(name: string): Promise<string> {
  const set = await makeLabelled(name);
  const to = ['--out', outOf(`${name} results`)];
  const transcript = await type(['submit', set, ...grid, '--target', 'label', ...to]);
  expect(transcript.code).toBe(1);
  return jobIn(transcript);
}

describe.skipIf(!hasTerminal)('a terminal, by python3 and bash, shows', () => {
  test('a submission: its id at once, progress in one line, and where the heatmaps are', async () => {
    const { code, screen } = await type(['submit', photo, ...grid, '--out', outOf('first')]);
    // Before all progress.
    expect(screen.indexOf('Job job_')).toBeLessThan(screen.indexOf('positions ['));
    expect(screen).toContain('Job job_');
    expect(screen).toContain('\r\u001b[2Kpositions [');
    expect(screen).toMatch(/1 of 1 images explained/);
    expect(screen).toContain(`Heatmaps: ${outOf('first')}`);
    expect(screen).toContain('where (px of the photo)');
    expect(code).toBe(0);
  });

  test('no moving line where NO_COLOR is set, nor where output is no terminal', async () => {
    const plain = { NO_COLOR: '1' };
    const { screen } = await type(['submit', photo, ...grid, '--out', outOf('plain')], {
      env: plain,
    });
    expect(screen).not.toContain('\u001b');
    const piped = await typeLine(
      `umbra submit '${photo}' ${grid.join(' ')} --out '${outOf('piped')}' 2>&1 | cat`,
    );
    expect(piped.screen).toContain('positions [');
    expect(piped.screen).not.toContain('\u001b');
    expect(piped.code).toBe(0);
  });

  test('that a folder has results already, before anything is sent', async () => {
    const jobs = async () =>
      JSON.parse((await run(['jobs', '--json'])).stdout) as { jobs: object[] };
    await type(['submit', photo, ...grid, '--out', outOf('second')]);
    const before = await jobs();
    const again = await type(['submit', photo, ...grid, '--out', outOf('second')]);
    expect(again.screen).toMatch(
      /Expected --out to be a new folder, got '.*', which has\s+the results of\s+job/,
    );
    expect(again.code).toBe(2);
    const file = await type(['submit', photo, ...grid, '--out', photo]);
    expect(file.screen).toContain(`Expected --out to be a folder, got the file '${photo}'`);
    expect(file.code).toBe(2);
    expect(await jobs()).toEqual(before);
  });

  test('images that failed, with reasons, and how to go on', async () => {
    const job = await submitHalf('half');
    const shown = await type(['status', job]);
    expect(shown.screen).toMatch(/images +1 of 2 explained, 1 failed/);
    expect(shown.screen).toContain(`umbra errors ${job}, umbra retry ${job}`);
    expect(shown.code).toBe(1);
    const reasons = await type(['errors', job]);
    expect(reasons.screen).toContain(
      "dog/photo.png: Expected the label to be a class of the model, got 'dog'",
    );
    expect(reasons.code).toBe(0);
    const again = await type(['retry', job]);
    expect(again.screen).toContain(`Job ${job} runs again, attempt 2`);
    expect(again.code).toBe(0);
    const watched = await type(['watch', job]);
    expect(watched.screen).toMatch(/Job job_\w+ completed, 1 of 2 images explained, 1 failed/);
    expect(watched.code).toBe(1);
  });

  test('the events of a job, of all its attempts', async () => {
    const job = jobIn(await type(['submit', photo, ...grid, '--out', outOf('logged')]));
    const { screen, code } = await type(['logs', job]);
    expect(screen).toMatch(/Z {2}image {5}img_00000000 completed/);
    expect(screen).toMatch(/Z {2}state {5}completed, 1 of 1 images explained/);
    expect(code).toBe(0);
    const { stdout } = await run(['logs', job, '--json']);
    const events = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { event: string });
    expect(events.map(({ event }) => event)).toContain('image');
    expect(events.at(-1)).toMatchObject({ event: 'state', state: 'completed' });
  });

  test('jobs and datasets, and ends quietly where its reader has read enough', async () => {
    await type(['submit', photo, ...grid, '--out', outOf('listed')]);
    const { screen, code } = await type(['jobs']);
    expect(screen).toMatch(/^job {2,}state {2,}images/m);
    expect(code).toBe(0);
    expect((await type(['datasets'])).screen).toMatch(/^ds_\w+ {2}ready {2,}1 /m);
    const broken = await typeLine('umbra jobs --limit 1000 | head -1');
    expect(broken.screen).toMatch(/^job +state .*\r\n$/);
    expect(broken.code).toBe(0);
  });

  test('what is written wrong in one line, with what may be meant', async () => {
    for (const [words, meant] of [
      [['jbos'], "Unknown command 'jbos', did you mean jobs?"],
      [['submit', photo, '--oot', 'x'], "Unknown option '--oot', did you mean --out?"],
      [['explain', photo, '--fill', 'red', '--out', 'x'], '--fill: Expected NUMBER'],
      [['jobs', '--state', 'done'], '--state'],
      [['jobs', '--api', 'nowhere'], '--api'],
    ] as const) {
      const { screen, code } = await type(words);
      expect(screen).toContain(meant);
      expect(screen.trim().split('\n')).toHaveLength(1);
      expect(code).toBe(2);
    }
  });

  test('that nobody answers, and gives up', async () => {
    const nowhere = { UMBRA_API_URL: 'http://127.0.0.1:1' };
    for (const words of [
      ['jobs'],
      ['status', `job_${'0'.repeat(20)}`],
      ['datasets'],
      ['submit', photo, '--out', outOf('never')],
    ]) {
      const { screen, code } = await type(words, { env: nowhere });
      expect(screen).toContain('umbra: ');
      expect(screen).toContain('got no answer');
      expect(code).toBe(3);
    }
  });

  test('Ctrl-C: the job runs on, and how to come back', async () => {
    const { screen, code, left } = await type(
      // A shard a row, and so many that the worker is busy for long.
      [
        'submit',
        photo,
        '--model',
        'tiny',
        '--patch',
        '1',
        '--stride',
        '1',
        '--strategy',
        'dense',
        '--rows-per-shard',
        '1',
        '--out',
        outOf('interrupted'),
      ],
      { steps: [{ await: 'positions [', send: '\x03' }] },
    );
    expect(left).toBe(0);
    expect(code).toBe(130);
    const job = jobIn({ screen, code, left });
    expect(screen).toContain(`'umbra watch ${job}' follows it`);
    expect(screen).toContain(`'umbra download ${job} --out ${outOf('interrupted')}' fetches it`);
    const cancelled = await type(['cancel', job]);
    expect(cancelled.screen).toMatch(
      /Job job_\w+ (cancelled|completed)|there is nothing to cancel/,
    );
    const watched = await type(['watch', job]);
    expect([0, 1]).toContain(watched.code);
    const fetched = await type(['download', job, '--out', outOf('interrupted')]);
    expect(fetched.screen).toContain('all are as SHA256SUMS has them');
  });
});

describe.skipIf(!hasTerminal)('on this machine, in a terminal by python3,', () => {
  test('a folder is explained, each photo by the label of its folder', async () => {
    const set = await makeLabelled('local');
    const words = ['explain', set, ...grid, '--target', 'label', '--out', outOf('local results')];
    const { screen, code } = await type(words);
    expect(screen).toContain('\r\u001b[2Kkind 1/photo.png [');
    expect(screen).toMatch(
      /dog\/photo\.png: Expected the label to be a class of the model, got\s+'dog'/,
    );
    expect(screen).toContain('1 of 2 photos explained');
    expect(code).toBe(1);
    const { stdout } = await run([...words, '--json']);
    const printed = JSON.parse(stdout) as { images: { heatmap: string }[]; errors: object[] };
    expect(printed.images).toMatchObject([{ name: 'kind 1/photo.png', target: 'kind 1' }]);
    expect(printed.errors).toHaveLength(1);
    const [heatmap = ''] = printed.images.map((image) => image.heatmap);
    const result = await readFile(join(dirname(heatmap), 'result.json'), 'utf8');
    expect(JSON.parse(result)).toMatchObject({ image: { label: 'kind 1' } });
  });

  test('a file as --out is refused before the model is loaded', async () => {
    const { screen, code } = await type(['explain', photo, ...grid, '--out', join(photo, 'below')]);
    expect(screen).toContain(`Expected --out to be a folder, got the file '${photo}'`);
    expect(screen).not.toContain('[');
    expect(code).toBe(2);
  });

  test.each([
    ['plan', ['plan', '--model', 'tiny', '--patch', '4', '--stride', '4'], 'Strategy: '],
    ['models list', ['models', 'list'], 'tiny'],
    ['models check', ['models', 'check', 'tiny'], 'ok '],
    ['doctor', ['doctor'], 'Models are looked for in'],
    ['layers', ['layers', 'tiny'], 'Conv'],
    [
      'filters',
      ['filters', 'tiny', '--layer', 'conv:1', '--out', 'OUT/filters.png'],
      'filters.png',
    ],
    ['input', ['input', 'PHOTO', '--model', 'tiny', '--out', 'OUT/input.png'], 'input.png'],
    [
      'activations',
      ['activations', 'PHOTO', '--model', 'tiny', '--layer', 'conv:1', '--out', 'OUT/maps.png'],
      'maps.png',
    ],
    [
      'receptive-field',
      [
        'receptive-field',
        'PHOTO',
        '--model',
        'tiny',
        '--layer',
        'conv:1',
        '--out',
        'OUT/field.png',
      ],
      'field.png',
    ],
    ['keys list', ['keys', 'list'], 'prefix'],
    ['tenants set', ['tenants', 'set', 'acme', '--jobs', '3'], 'acme'],
    ['tenants list', ['tenants', 'list'], ''],
    ['repair', ['repair', '--dry-run'], ''],
    ['help', ['download', '--help'], 'Exit codes:'],
  ] as const)('%s', async (_, words, shown) => {
    const given = words.map((word) => word.replace('OUT', folder).replace('PHOTO', photo));
    const { screen, code } = await type(given, { env: service.env });
    expect(screen).toContain(shown);
    expect(code, screen).toBe(0);
  });

  test('a model that is not there is told of, with how to get it', async () => {
    const { screen, code } = await type(['article', '--out', outOf('figures')]);
    expect(screen).toContain("Model 'alexnet' is not here yet");
    expect(code).toBe(2);
  });

  test('a key is created, rotated and revoked', async () => {
    const made = await type(['keys', 'create', '--tenant', 'acme', '--scopes', 'read'], {
      env: service.env,
    });
    expect(made.screen).toContain('It is shown this once:');
    const [, prefix = ''] = /umbra_([a-z2-7]{8})_/.exec(made.screen) ?? [];
    for (const verb of ['rotate', 'revoke']) {
      expect((await type(['keys', verb, prefix], { env: service.env })).code).toBe(0);
    }
    const unknown = await type(['keys', 'revoke', 'aaaaaaaa'], { env: service.env });
    expect(unknown.code).toBe(2);
  });
});

describe.skipIf(!hasTerminal)('in a terminal by python3, a key', () => {
  const lockedEnv = (more: Record<string, string> = {}) => ({ UMBRA_API_URL: locked.url, ...more });

  test('that is missing or wrong is told of, with where it is taken from', async () => {
    for (const more of [{}, { UMBRA_API_KEY: `umbra_${'a'.repeat(8)}_${'a'.repeat(26)}` }]) {
      const { screen, code } = await type(['jobs'], { env: lockedEnv(more) });
      expect(screen).toContain("from --key-file, from UMBRA_API_KEY, or from 'umbra login'");
      expect(code).toBe(2);
    }
    const nonsense = await type(['jobs'], { env: lockedEnv({ UMBRA_API_KEY: 'secret' }) });
    expect(nonsense.screen).toContain('Expected UMBRA_API_KEY to hold an API key');
    expect(nonsense.screen).not.toContain('secret');
    expect(nonsense.code).toBe(2);
  });

  test('is typed unseen, kept for this user alone, sent to its own service alone, and forgotten', async () => {
    const config = join(folder, 'login');
    const env = { UMBRA_API_URL: '', XDG_CONFIG_HOME: config };
    const steps = (text: string) => [{ await: 'API key of', send: `${text}\r` }];
    const wrong = `umbra_${'b'.repeat(8)}_${'b'.repeat(26)}`;
    const login = ['login', '--url', locked.url];
    const refused = await type(login, { env, steps: steps(wrong) });
    expect(refused.code).toBe(2);
    await expect(stat(join(config, 'umbra', 'login.json'))).rejects.toThrow('ENOENT');
    const { screen, code } = await type(login, { env, steps: steps(key) });
    expect(code).toBe(0);
    expect(screen).not.toContain(key);
    const { mode } = await stat(join(config, 'umbra', 'login.json'));
    expect(mode & 0o777).toBe(0o600);
    expect((await type(['jobs'], { env })).code).toBe(0);
    // Another service is not told of the key: one that asks for it finds none.
    const elsewhere = await type(['jobs', '--api', locked.url.replace('127.0.0.1', 'localhost')], {
      env,
    });
    expect(elsewhere.code).toBe(2);
    expect((await type(['logout'], { env })).code).toBe(0);
    expect((await type(['jobs', '--api', locked.url], { env })).code).toBe(2);
  });

  test('that others can read is not used', async () => {
    const config = join(folder, 'open login');
    await mkdir(join(config, 'umbra'), { recursive: true });
    const path = join(config, 'umbra', 'login.json');
    await writeFile(path, JSON.stringify({ version: 1, url: locked.url, key }), { mode: 0o644 });
    const { screen, code } = await type(['jobs'], { env: { XDG_CONFIG_HOME: config } });
    expect(screen).toContain('chmod 600');
    expect(code).toBe(2);
  });
});

describe.skipIf(!hasTerminal)('in a terminal by python3, a download', () => {
  type Fetched = { fetched: number; kept: number; images: { heatmap: string }[] };
  const fetched = async (job: string, out: string) => {
    const outcome = await run(['download', job, '--out', out, '--json']);
    return { ...outcome, found: JSON.parse(outcome.stdout) as Fetched };
  };

  test('adds what is missing or was changed, and nothing else', async () => {
    const set = join(folder, 'three');
    await mkdir(set);
    for (const { name, bytes } of await makePhotos(3)) await writeFile(join(set, name), bytes);
    const out = outOf('three results');
    const job = jobIn(await type(['submit', set, ...grid, '--out', out]));
    const complete = await fetched(job, out);
    expect(complete.found).toMatchObject({ fetched: 0, images: [{}, {}, {}] });
    const [first, second] = complete.found.images.map(({ heatmap }) => heatmap);
    const before = await readFile(first ?? '');
    await rm(first ?? '');
    await writeFile(second ?? '', 'changed');
    const mended = await fetched(job, out);
    expect(mended.found).toMatchObject({ fetched: 2, kept: complete.found.kept - 2 });
    expect((await readFile(first ?? '')).equals(before)).toBe(true);
    expect(mended.code).toBe(0);
  });

  test('of another job into the same folder is refused', async () => {
    const out = outOf('of one');
    const [one, two] = [
      jobIn(await type(['submit', photo, ...grid, '--out', out])),
      jobIn(await type(['submit', photo, ...grid, '--out', outOf('of two')])),
    ];
    const refused = await type(['download', two, '--out', out]);
    expect(refused.screen).toContain(one);
    expect(refused.code).toBe(2);
  });

  test('of a job that does not exist names it', async () => {
    const { screen, code } = await type([
      'download',
      `job_${'0'.repeat(20)}`,
      '--out',
      outOf('none'),
    ]);
    expect(screen).toContain('umbra: ');
    expect(code).toBe(2);
  });
});

test.each(['bash', 'zsh', 'fish'])('completion of %s knows every command', async (shell) => {
  const { stdout, code } = await run(['completion', shell]);
  expect(code).toBe(0);
  for (const name of ['explain', 'submit', 'download', 'rotate']) expect(stdout).toContain(name);
});

test.skipIf(!hasTerminal)(
  'bash, in a terminal by python3, completes commands and options',
  async () => {
    const complete = (...words: string[]) =>
      `COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}; _umbra; echo "[\${COMPREPLY[*]}]"`;
    const line = [
      'source <(umbra completion bash)',
      complete('umbra', 'do'),
      complete('umbra', 'keys', 'ro'),
      complete('umbra', 'submit', '--rows'),
    ].join('; ');
    const { screen } = await typeLine(line);
    expect(screen).toContain('[doctor download]');
    expect(screen).toContain('[rotate]');
    expect(screen).toContain('[--rows-per-shard]');
  },
);

type Outcome = { code: number; stdout: string; stderr: string };
function run(words: readonly string[]): Promise<Outcome> {
  const env = { ...process.env, ...plainEnv() };
  return new Promise((resolve) => {
    const options = { env, maxBuffer: 16 * 1024 * 1024 };
    execFile(process.execPath, [umbra, ...words], options, (error, stdout, stderr) => {
      resolve({ code: exitCodeOf(error), stdout, stderr });
    });
  });
}
