import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { encodeHead, encodeOnnx, tinyNetwork, writeTinyBundle } from '@umbra/engine/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const umbra = fileURLToPath(new URL('../../apps/cli/bin/umbra.mjs', import.meta.url));
const cat = fileURLToPath(new URL('../../samples/photos/cat.jpg', import.meta.url));
let folder: string;
let registry: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'umbra-models-'));
  registry = join(folder, 'registry');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

type Outcome = { code: number; stdout: string; stderr: string };
function run(...args: string[]): Promise<Outcome> {
  const env = { ...process.env, UMBRA_MODELS_DIR: registry };
  return new Promise((resolve) => {
    execFile(process.execPath, [umbra, ...args], { env }, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr });
    });
  });
}
const printed = ({ stdout }: Outcome) => JSON.parse(stdout.trim().split('\n').at(-1) ?? '');

test('a plain ONNX file is added, listed, checked and planned by its name', async () => {
  const file = join(folder, 'Plain-Net.onnx');
  await writeFile(file, encodeOnnx(tinyNetwork()));
  const described = ['--input', '32x32', '--scale', '1/255', '--mean', '0.5,0.5,0.5'];
  const added = await run(
    'models',
    'add',
    file,
    ...described,
    '--std',
    '0.25,0.25,0.25',
    '--output',
    'logits',
  );
  expect(added).toMatchObject({ code: 0, stdout: expect.stringContaining('plain-net: added to') });
  const listed = printed(await run('models', 'list', '--json'));
  expect(listed.models).toContainEqual(
    expect.objectContaining({ name: 'plain-net', height: 32, format: 'onnx' }),
  );
  const checked = await run('models', 'check', 'plain-net', '--json');
  expect(checked.code).toBe(0);
  expect(printed(checked).steps.every(({ ok }: { ok: boolean }) => ok)).toBe(true);
  const planned = printed(
    await run('plan', '--model', 'plain-net', '--patch', '4', '--stride', '4', '--json'),
  );
  expect(planned).toMatchObject({ positions: 64, patch: { height: 4, width: 4 } });
});

test('models add names at once every flag that it lacks', async () => {
  const file = join(folder, 'open.onnx');
  await writeFile(file, encodeOnnx(tinyNetwork()));
  const { code, stderr } = await run('models', 'add', file);
  expect(code).not.toBe(0);
  for (const flag of ['--input', '--scale', '--mean', '--std']) expect(stderr).toContain(flag);
});

describe('a model of', () => {
  /** Weights of `width` numbers over 4 x 4 px that are larger the redder a picture is. */
  const red = (width: number) =>
    Array.from({ length: 48 * width }, (_, at) => (at < 16 * width ? 0.2 : -0.1));
  const explain = (model: string, ...more: string[]) => {
    const settings = ['--patch', '2', '--stride', '2', '--out', join(folder, model)];
    return run('explain', cat, '--model', model, ...settings, '--json', ...more);
  };

  test('one score is asked for its class, and explained as two', async () => {
    const file = join(folder, 'binary.onnx');
    await writeFile(file, encodeHead(red(1), {}));
    const asked = await run('models', 'add', file, '--scale', '1/255');
    expect(asked).toMatchObject({ code: 2, stderr: expect.stringContaining('--positive NAME') });
    const names = ['--positive', 'cat', '--negative', 'dog'];
    expect(await run('models', 'add', file, '--scale', '1/255', ...names)).toMatchObject({
      code: 0,
    });
    expect(await run('models', 'check', 'binary')).toMatchObject({ code: 0 });
    const [photo] = printed(await explain('binary', '--target', 'top:2')).images;
    const [first, second] = photo.targets;
    expect(new Set([first.target, second.target])).toEqual(new Set(['cat', 'dog']));
    expect(first.baseline + second.baseline).toBeCloseTo(1, 6);
    expect(first.baseline).not.toBe(1);
  });

  test('independent scores may predict no class', async () => {
    const file = join(folder, 'findings.onnx');
    await writeFile(file, encodeHead(red(3), { last: 'Sigmoid' }));
    const added = await run('models', 'add', file, '--scale', '1/255', '--threshold', '0.99');
    expect(added).toMatchObject({ code: 0 });
    const [photo] = printed(await explain('findings')).images;
    expect(photo).toMatchObject({ predicted: null, target: 'class 0' });
  });

  test('several outputs is asked which holds the scores', async () => {
    const file = join(folder, 'heads.onnx');
    await writeFile(file, encodeHead(red(3), { other: 'aux' }));
    const about = ['--scale', '1/255', '--output', 'logits'];
    const asked = await run('models', 'add', file, ...about);
    expect(asked).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('aux [N, 3], scores [N, 3]'),
    });
    expect(await run('models', 'add', file, ...about, '--output-name', 'scores')).toMatchObject({
      code: 0,
    });
    expect(await run('models', 'check', 'heads')).toMatchObject({ code: 0 });
  });
});

test('models list names a damaged bundle and lists the others', async () => {
  await writeTinyBundle(registry, { name: 'whole' });
  await mkdir(join(registry, 'damaged'), { recursive: true });
  await writeFile(join(registry, 'damaged', 'bundle.json'), '{');
  const listed = await run('models', 'list');
  expect(listed).toMatchObject({ code: 1, stdout: expect.stringContaining('whole') });
  expect(listed.stderr).toContain('damaged');
});

test('engine flags outside their ranges are refused', async () => {
  for (const [flag, value, words] of [
    ['--provider', 'tpu', /cpu, cuda, webgpu/],
    ['--session-threads', '0', /integer from 1 to 256/],
    ['--inference-threads', 'two', /integer from 1 to 256/],
  ] as const) {
    const { code, stderr } = await run('plan', '--model', 'whole', flag, value);
    expect(code).not.toBe(0);
    expect(stderr).toMatch(words);
  }
});
