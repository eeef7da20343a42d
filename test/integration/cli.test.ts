import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import {
  copyFile,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { getJson, putJson } from '@umbra/platform/store/json';
import { defaultTenant, keys } from '@umbra/platform/store/keys';
import { storedJob } from '@umbra/shared/contracts/job';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { exitCodeOf } from '../support/exit-code.js';
import {
  makePhotos,
  startService,
  submitJob,
  type TestService,
  uploadPhotos,
} from '../support/service.js';
import { makeZip } from '../support/zip.js';

// Each runs commands, and each of them is a process.
vi.setConfig({ testTimeout: 180_000 });

const umbra = fileURLToPath(new URL('../../apps/cli/bin/umbra.mjs', import.meta.url));
let service: TestService;
let folder: string;
let photos: string[];

beforeAll(async () => {
  service = await startService();
  await service.startWorker();
  folder = await mkdtemp(join(tmpdir(), 'umbra-cli-'));
  photos = [];
  for (const { name, bytes } of await makePhotos(2)) {
    photos.push(join(folder, name));
    await writeFile(join(folder, name), bytes);
  }
});
afterAll(async () => {
  await service.close();
  await rm(folder, { recursive: true, force: true });
});

type Outcome = { code: number; stdout: string; stderr: string };
function run(...args: string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile(process.execPath, [umbra, ...args], (error, stdout, stderr) => {
      resolve({ code: exitCodeOf(error), stdout, stderr });
    });
  });
}
type Printed = { images: { name: string; heatmap: string }[]; errors?: { name: string }[] };
const printed = ({ stdout }: Outcome) =>
  JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Printed;
const settings = ['--patch', '8', '--stride', '4x5', '--fill', 'pixel:0.5'];

const everything = [
  ...['--patch', '8,6x12', '--stride', '3', '--fill', 'blur:2', '--target', 'top:2'],
  ...['--score', 'log-odds', '--refine', '--faithfulness', '--faithfulness-steps', '6'],
];

describe('umbra', () => {
  test('submit labels photos by the folders that they lie in', async () => {
    const set = join(folder, 'set');
    for (const [index, path] of photos.entries()) {
      await mkdir(join(set, `class ${index}`), { recursive: true });
      await copyFile(path, join(set, `class ${index}`, 'photo.png'));
    }
    await writeFile(join(set, 'notes.txt'), 'no photo');
    await symlink(join(folder, 'nowhere'), join(set, 'link.png'));
    await writeFile(Buffer.concat([Buffer.from(`${set}/`), Buffer.from([0xe9])]), 'not UTF-8');
    const out = join(folder, 'of folders');
    const to = ['--api', service.url, '--model', 'tiny', '--out', out, '--json'];
    const outcome = await run('submit', set, ...to, '--patch', '16', '--stride', '16');
    expect(outcome.stderr).toContain('refused notes.txt');
    expect(outcome.stderr).toContain('refused link.png: Expected a file that can be read');
    expect(outcome.stderr).toContain('refused \ufffd: Expected a file that can be read');
    expect(outcome.code).toBe(1);
    expect(printed(outcome).images.map(({ name }) => name)).toEqual([
      'class 0/photo.png',
      'class 1/photo.png',
    ]);
  });

  test.each(['file', 'folder'])('submit of a %s without a photo tells why', async (kind) => {
    const set = join(folder, `broken ${kind}`);
    await mkdir(set, { recursive: true });
    const cut = join(set, 'cut\n.png');
    await writeFile(cut, (await readFile(photos[0] ?? '')).subarray(0, 60));
    const to = [
      '--api',
      service.url,
      '--model',
      'tiny',
      '--out',
      join(folder, 'none'),
      ...settings,
    ];
    const outcome = await run('submit', kind === 'file' ? cut : set, ...to);
    expect(outcome.stderr).toMatch(/^refused cut\\n\.png: \S+/m);
    expect(outcome.code).toBeGreaterThan(0);
  });

  test('submit labels photos of an archive by its folders', async () => {
    const archive = join(folder, 'set.zip');
    const [photo = ''] = photos;
    await writeFile(archive, await makeZip({ 'kind 3/a.png': await readFile(photo) }));
    const to = ['--api', service.url, '--model', 'tiny', '--out', join(folder, 'of a zip')];
    const quick = ['--patch', '16', '--stride', '16', '--target', 'label', '--json'];
    const outcome = await run('submit', archive, ...to, ...quick);
    expect(printed(outcome).images).toMatchObject([{ name: 'kind 3/a.png', target: 'kind 3' }]);
  });

  test('submit tells which photos failed, and why, and fails', async () => {
    const set = join(folder, 'labelled');
    for (const [index, path] of photos.entries()) {
      const label = index === 0 ? 'dog' : 'kind 1';
      await mkdir(join(set, label), { recursive: true });
      await copyFile(path, join(set, label, `${index}.png`));
    }
    const to = ['--api', service.url, '--model', 'tiny', '--out', join(folder, 'failed'), '--json'];
    const quick = ['--patch', '16', '--stride', '16', '--target', 'label'];
    const outcome = await run('submit', set, ...to, ...quick);
    expect(outcome.code).toBe(1);
    const reason = "Expected the label to be a class of the model, got 'dog'";
    expect(outcome.stderr).toContain('warning: 1 of 2 images');
    expect(outcome.stderr).toContain(`dog/0.png: ${reason}`);
    expect(printed(outcome)).toMatchObject({
      images: [{ name: 'kind 1/1.png' }],
      errors: [{ name: 'dog/0.png', error: { code: 'invalid_input', message: reason } }],
    });
  });

  test('explain writes the results of photos of any name', async () => {
    const [photo = ''] = photos;
    const names = [`${'n'.repeat(245)}.png`, 'a"b\t (1).png', '猫.png'];
    for (const name of names) await copyFile(photo, join(folder, name));
    const paths = names.map((name) => join(folder, name));
    const bundle = join(service.folder, 'models', 'tiny');
    const out = join(folder, 'any names');
    const outcome = await run('explain', ...paths, '--model', bundle, '--out', out, '--json');
    expect(printed(outcome).images.map(({ name }) => name)).toEqual(names);
    expect((await readdir(out)).sort()).toEqual([
      'a_b_1___img_00000001',
      `${'n'.repeat(46)}-b75999a1__img_00000000`,
      '猫__img_00000002',
    ]);
  });

  test('explain refuses a label that is no class before it begins', async () => {
    const bundle = join(service.folder, 'models', 'tiny');
    const out = join(folder, 'never');
    const flags = ['--model', bundle, '--out', out, '--target', 'label', '--label', 'dog'];
    const outcome = await run('explain', ...photos, ...flags);
    expect(outcome.code).toBe(2);
    expect(outcome.stderr).toContain("Expected --label to be a class of the model, got 'dog'");
    expect(existsSync(out)).toBe(false);
  });

  // Settings of no other test: what is reused says so in its result.
  const someKinds = ['--fill', 'mean', '--outputs', 'heatmap'];
  test.each([
    { name: 'plain', settings, files: 7 },
    { name: 'with every setting', settings: everything, files: 4 + 3 + 2 + 2 + 1 + 1 },
    { name: 'of some kinds', settings: [...settings, ...someKinds], files: 4 },
  ])('explain and submit write the same bytes: $name', async ({ name, settings, files }) => {
    const [a, b] = [join(folder, `${name} a`), join(folder, `${name} b`)];
    const model = join(service.folder, 'models', 'tiny');
    const local = await run(
      'explain',
      ...photos,
      '--model',
      model,
      '--out',
      a,
      '--json',
      ...settings,
    );
    expect(local.code).toBe(0);
    const remote = await run(
      'submit',
      ...photos,
      '--api',
      service.url,
      '--model',
      'tiny',
      '--out',
      b,
      '--json',
      ...['--outputs', 'all'],
      ...settings,
    );
    expect(remote.code).toBe(0);
    const [here, there] = [printed(local), printed(remote)];
    expect(here.images.map(({ name }) => name)).toEqual(['photo-0.png', 'photo-1.png']);
    for (const [index, image] of here.images.entries()) {
      const other = there.images[index]?.heatmap ?? '';
      const written = await readdir(dirname(image.heatmap));
      expect(written).toHaveLength(files);
      expect(written).toContain('result.json');
      for (const file of written) {
        const mine = await readFile(image.heatmap.replace('heatmap.png', file));
        expect(mine.equals(await readFile(other.replace('heatmap.png', file)))).toBe(true);
      }
    }
    expect(local.stderr).toContain('predicted class');
  });

  test('plan prints segments and the arithmetic that they save', async () => {
    const model = join(service.folder, 'models', 'tiny');
    const flags = ['--patch', '4', '--stride', '4', '--strategy', 'incremental', '--json'];
    const outcome = await run('plan', '--model', model, ...flags);
    expect(outcome.code).toBe(0);
    expect(outcome.stderr).toMatch(/Multiply-adds a position: \d+ k of \d+ k, /);
    expect(outcome.stderr).toMatch(/^Windows: up to '.+' \(.+\), which begins the head; 100 % of/m);
    const found = JSON.parse(outcome.stdout) as { segments: unknown[]; positions: number };
    expect(found).toMatchObject({ strategy: 'incremental', positions: 64 });
    expect(found.segments.length).toBeGreaterThan(0);
    const refused = await run('plan', '--model', model, '--size', 'large');
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain("Expected --size to be HEIGHTxWIDTH, got 'large'");
  });

  test.each([
    ['run', []],
    ['dry run', ['--dry-run']],
  ])('a %s refuses a class that a model without class names lacks', async (kind, flags) => {
    const model = join(folder, `nameless ${kind}`);
    await cp(join(service.folder, 'models', 'tiny'), model, { recursive: true });
    const path = join(model, 'bundle.json');
    const { labels, ...bundle } = JSON.parse(await readFile(path, 'utf8')) as {
      labels: string;
      files: { path: string }[];
    };
    const files = bundle.files.filter((file) => file.path !== labels);
    await writeFile(path, JSON.stringify({ ...bundle, files }));
    const outcome = await run(
      ...['explain', photos[0] ?? '', '--model', model, '--target', 'zz', ...settings],
      ...['--out', join(folder, 'nameless'), ...flags],
    );
    expect(outcome.code).toBe(2);
    expect(outcome.stderr).toMatch(/^umbra: Expected .*'zz'/);
  });

  test('a dry run prints the cost of a run and writes nothing', async () => {
    const outcome = await run(
      ...['explain', ...photos, '--model', join(service.folder, 'models', 'tiny')],
      ...['--dry-run', '--json', ...settings],
    );
    expect(outcome.code).toBe(0);
    expect(outcome.stderr).toContain('forward passes');
    const { estimate, images } = JSON.parse(outcome.stdout) as {
      estimate: { positions: number; passes: number; seconds: number; memoryBytes: number };
      images: unknown[];
    };
    expect(images).toHaveLength(2);
    expect(estimate).toMatchObject({ positions: 2 * 7 * 6, passes: 2 * (7 * 6 + 1) });
    expect(estimate.seconds).toBeGreaterThan(0);
    expect(estimate.memoryBytes).toBeGreaterThan(0);
  });

  test('explain reports a bad photo and explains the others', async () => {
    const bad = join(folder, 'bad.jpg');
    await writeFile(bad, 'not a photo');
    const outcome = await run(
      'explain',
      bad,
      photos[0] ?? '',
      join(folder, 'missing.png'),
      '--model',
      join(service.folder, 'models', 'tiny'),
      '--out',
      join(folder, 'c'),
      '--json',
      ...settings,
    );
    expect(outcome.code).toBe(1);
    expect(printed(outcome).images).toHaveLength(1);
    expect(printed(outcome).errors?.map(({ name }) => name)).toEqual([
      bad,
      join(folder, 'missing.png'),
    ]);
  });

  test.each([
    [['explain', '--out', 'x'], 2, 'Expected at least one PHOTO'],
    [['explain', 'a.png', '--out', 'x', '--stride', '0'], 2, '--stride'],
    [['explain', 'a.png', '--out', 'x', '--fill', 'grey'], 2, '--fill'],
    [['explain', 'a.png', '--out', 'x', '--model', 'nope'], 2, "got 'nope'"],
    [['explain', 'a.png', '--out', 'x', '--inference-threads', 'many'], 2, '--inference-threads'],
    [['explain', 'a.png', '--out', 'x', '--box', '1,2,3'], 2, '--box'],
    [['explain', 'a.png', '--out', 'x', '--opacity', '1.5'], 2, '--opacity'],
    [['explain', 'a.png', '--out', 'x', '--opacity', ''], 2, '--opacity'],
    [['explain', 'a.png', '--out', 'x', '--preset', 'article', '--edge', 'clip'], 2, '--edge'],
    [['explain', 'a.png', '--colour'], 2, '--colour'],
    [['dream'], 2, "Unknown command 'dream'"],
    [['submit', umbra, '--out', 'x', '--api', 'http://127.0.0.1:1'], 3, 'got no answer'],
  ])('%j ends with %i and a reason', async (args, code, reason) => {
    const outcome = await run(...args);
    expect(outcome).toMatchObject({ code, stdout: '' });
    expect(outcome.stderr).toContain(reason);
  });

  test('prints help and its version', async () => {
    expect((await run('--version')).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
    expect((await run('--help')).stdout).toContain('explain [options] <photo...>');
  });
});

describe('umbra jobs', () => {
  let quiet: TestService;
  const ids: string[] = [];
  const jobs = (...args: string[]) => run('jobs', '--api', quiet.url, ...args);
  const idsIn = ({ stdout }: Outcome) =>
    (JSON.parse(stdout) as { jobs: { id: string }[] }).jobs.map(({ id }) => id);

  beforeAll(async () => {
    // No worker: three jobs are ended by the test, and the last one waits.
    quiet = await startService();
    const dataset = await uploadPhotos(quiet.url, await makePhotos(1));
    for (const crop of ['winter wheat', 'Summer wheat', 'rye', 'wheat, not sown']) {
      ids.push(await submitJob(quiet.url, { dataset, model: 'tiny', metadata: { crop } }));
      // The newest is found by the time at which it was made, ms.
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    const counts = { total: 1, completed: 1, failed: 0 };
    const ended = { state: 'completed', counts, completedAt: new Date().toISOString() };
    for (const id of ids.slice(0, 3)) {
      const key = keys.job(defaultTenant, id);
      await putJson(quiet.store, key, {
        ...(await getJson(quiet.store, key, storedJob)),
        ...ended,
      });
    }
  });
  afterAll(() => quiet.close());

  test('lists those in a state, and those with a text, the newest first', async () => {
    const [winter, summer, rye, waiting] = ids;
    const wheat = await jobs('--text', 'WHEAT', '--json');
    expect(idsIn(wheat)).toEqual([waiting, summer, winter]);
    const done = await jobs('--text', 'wheat', '--state', 'completed', '--json');
    expect(idsIn(done)).toEqual([summer, winter]);
    expect(idsIn(await jobs('--state', 'completed', '--json'))).toEqual([rye, summer, winter]);
    expect(idsIn(await jobs('--state', 'queued', '--json'))).toEqual([waiting]);
    expect(idsIn(await jobs('--text', rye ?? '', '--json'))).toEqual([rye]);
    expect(idsIn(await jobs('--text', 'barley', '--json'))).toEqual([]);
  });

  test('prints as many as it is told, and says that there are more', async () => {
    const one = await jobs('--text', 'wheat', '--state', 'completed', '--limit', '1');
    const [header, , row = '', ...rest] = one.stdout.trim().split('\n');
    expect(header).toMatch(/^job +state +images +failed +model +created$/);
    expect(row).toMatch(new RegExp(`^${ids[1]} +completed +1/1 +0 +tiny +`));
    expect(rest).toEqual([]);
    expect(one.stderr).toContain('... and older ones: --limit N prints more');
  });

  test.each([
    ['--state', 'done', 'Expected --state to be validating, queued, in_progress'],
    ['--limit', '0', "Expected --limit to be an integer of 1 or more, got '0'"],
  ])('refuses %s %s', async (flag, value, words) => {
    const refused = await jobs(flag, value);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain(words);
  });
});
