import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { encodeOnnx, tinyNetwork, writeTinyBundle } from '@umbra/engine/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';

const umbra = fileURLToPath(new URL('../../apps/cli/bin/umbra.mjs', import.meta.url));
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
