import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import {
  encodeHead,
  encodeOnnx,
  endlessNetwork,
  tinyNetwork,
  writeTinyBundle,
} from '@umbra/engine/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { until } from '../support/job-fixture.js';

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
const run = (...args: string[]): Promise<Outcome> => runWith({}, ...args);
function runWith(more: Readonly<Record<string, string>>, ...args: string[]): Promise<Outcome> {
  const env = { ...process.env, UMBRA_MODELS_DIR: registry, ...more };
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

describe('a network that', () => {
  /** Has the process that runs a model do something when it has told of a step. */
  async function hook(step: string, act: string): Promise<Record<string, string>> {
    const path = join(folder, `after-${step}.mjs`);
    await writeFile(
      path,
      `import { isMainThread } from 'node:worker_threads';
      if (isMainThread && process.argv[1]?.endsWith('model-process.js')) {
        const send = process.send.bind(process);
        process.send = (reply) => {
          const sent = send(reply);
          if (reply.step?.name === ${JSON.stringify(step)}) setImmediate(() => { ${act} });
          return sent;
        };
      }`,
    );
    return { NODE_OPTIONS: `--import=${path}` };
  }

  test('ends its process fails the step that it was in', async () => {
    const sound = await writeTinyBundle(join(folder, 'apart'), { name: 'deadly' });
    const env = await hook('files', "process.kill(process.pid, 'SIGSEGV')");
    const checked = await runWith(env, 'models', 'check', sound);
    expect(checked).toMatchObject({
      code: 1,
      stdout: expect.stringContaining('ok     files: '),
    });
    expect(checked.stdout).toMatch(
      /^FAILED (loads|forward pass): the model ended the process that ran it: signal SIGSEGV$/m,
    );
    expect(checked.stdout).toContain('-      parity: not run');
    const { steps } = printed(await runWith(env, 'models', 'check', sound, '--json'));
    expect(steps).toHaveLength(7);
    expect(steps.find(({ ok }: { ok: boolean | null }) => ok === false).detail).toContain(
      'SIGSEGV',
    );
    expect(await runWith(env, 'models', 'add', sound)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('ended the process that ran it: signal SIGSEGV'),
    });
    expect(existsSync(join(registry, 'deadly'))).toBe(false);
  });

  test('does not end fails at the deadline, and is not added', async () => {
    const onnx = encodeOnnx(endlessNetwork());
    const endless = await writeTinyBundle(join(folder, 'apart'), { name: 'endless', onnx });
    // This machine, as it is loaded now, surely comes to the step that does not end.
    const sound = await writeTinyBundle(join(folder, 'apart'), { name: 'timed' });
    const beganMs = performance.now();
    await run('models', 'check', sound);
    const seconds = String(Math.ceil(2 + ((performance.now() - beganMs) / 1_000) * 3));
    expect(await run('models', 'check', endless, '--deadline', seconds)).toMatchObject({
      code: 1,
      stdout: expect.stringContaining(`\nFAILED forward pass: did not end within ${seconds} s\n`),
    });
    // Once, and not one image at a time as well.
    const added = await run('models', 'add', endless, '--deadline', seconds);
    expect(added).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(
        new RegExp(`^ok {5}loads: [^]* forward pass: did not end within ${seconds} s$`, 'm'),
      ),
    });
    expect(existsSync(join(registry, 'endless'))).toBe(false);
    for (const deadline of ['0', 'soon', '86401'])
      expect(await run('models', 'check', endless, '--deadline', deadline)).toMatchObject({
        code: 2,
        stderr: `umbra: Expected --deadline to be seconds, up to 86400, got '${deadline}'\n`,
      });
  });

  test.skipIf(process.platform !== 'linux').each(['SIGINT', 'SIGTERM', 'SIGKILL'] as const)(
    'keeps its whole process ends with the command, by %s',
    async (signal) => {
      const sound = await writeTinyBundle(join(folder, 'apart'), { name: 'kept' });
      const env = { ...process.env, ...(await hook('loads', 'for (;;);')) };
      const command = spawn(process.execPath, [umbra, 'models', 'check', sound], {
        env,
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      const exited = once(command, 'exit');
      for await (const line of createInterface({ input: command.stdout })) {
        if (line.startsWith('ok     loads:')) break;
      }
      const children = await readFile(`/proc/${command.pid}/task/${command.pid}/children`, 'utf8');
      const [child = ''] = children.split(' ');
      expect(existsSync(`/proc/${child}`)).toBe(true);
      command.kill(signal);
      // 130, as docs/cli.md says, where it can still say so.
      expect(await exited).toEqual(signal === 'SIGKILL' ? [null, signal] : [130, null]);
      const isGone = async () => !existsSync(`/proc/${child}`) || null;
      // One that stays would keep a core for ever.
      await until('the child to end', isGone).catch((error: unknown) => {
        process.kill(Number(child), 'SIGKILL');
        throw error;
      });
    },
  );
});
