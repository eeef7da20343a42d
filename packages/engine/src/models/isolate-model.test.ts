import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { endlessNetwork } from '../testing/endless-network.js';
import { tinyNetwork, writeTinyBundle } from '../testing/tiny-bundle.js';
import { encodeOnnx, type Network } from '../testing/tiny-onnx.js';
import { checkModel } from './check.js';
import type { CheckStep } from './check-steps.js';
import { describeFolder } from './describe.js';
import { checkIsolated, describeIsolated, drawActivations, openIsolated } from './isolate-model.js';
import { possibleDigests } from './registry.js';

let folder: string;
let sound: string;
let endless: string;
/** Time in which this machine surely comes to the step that does not end, as it is loaded now. */
let deadlineMs: number;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'umbra-isolated-'));
  sound = await writeTinyBundle(folder, { name: 'sound' });
  endless = await writeTinyBundle(folder, { name: 'endless', onnx: encodeOnnx(endlessNetwork()) });
  const beganMs = performance.now();
  await checkIsolated(sound);
  deadlineMs = 1_000 * Math.ceil(2 + ((performance.now() - beganMs) / 1_000) * 3);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** The real process, which dies by its own hand as it tells of a step, or of its start. */
async function fatalEntry(death: string, at: string): Promise<URL> {
  const real = new URL('../../dist/models/model-process.js', import.meta.url);
  const path = join(folder, `${at}.mjs`);
  await writeFile(
    path,
    `const send = process.send.bind(process);
    process.send = async (reply) => (reply.step?.name ?? reply.kind) === ${JSON.stringify(at)} ? ${death} : send(reply);
    await import(${JSON.stringify(real.href)});`,
  );
  return pathToFileURL(path);
}

/** Fills a gigabyte, and keeps it. */
const grow =
  'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), Buffer.alloc(2 ** 30, 1).at(0) - 1, 0)';
const maxBytes = 512 * 1024 ** 2;

const withoutTimes = (steps: readonly CheckStep[]) =>
  steps.map((step) => ({ ...step, detail: step.detail.replace(/\d+ ms/, 'ms') }));
const failureOf = (steps: readonly CheckStep[]) => steps.find(({ ok }) => ok === false);

describe('a check in a process of its own', () => {
  test('gives what a check here gives, step by step', async () => {
    const heard: CheckStep[] = [];
    const steps = await checkIsolated(sound, {}, (step) => heard.push(step));
    expect(heard).toEqual(steps);
    expect(withoutTimes(steps)).toEqual(withoutTimes(await checkModel(sound)));
    expect(steps.every(({ ok }) => ok === true)).toBe(true);
  });

  test.each([
    ["process.kill(process.pid, 'SIGSEGV')", 'signal SIGSEGV'],
    ['process.exit(7)', 'exit code 7'],
  ])('that dies fails the step it was in, with what was seen (%s)', async (death, seen) => {
    const entry = await fatalEntry(death, 'forward pass');
    const steps = await checkIsolated(sound, { entry });
    expect(failureOf(steps)).toEqual({
      name: 'forward pass',
      ok: false,
      detail: `the model ended the process that ran it: ${seen}`,
    });
    expect(steps).toHaveLength(7);
    expect(steps[2]).toMatchObject({ name: 'loads', ok: true });
    expect(steps.at(-1)).toEqual({ name: 'parity', ok: null, detail: 'not run' });
  });

  test('whose network does not end fails at its deadline', async () => {
    const steps = await checkIsolated(endless, { deadlineMs });
    expect(failureOf(steps)).toEqual({
      name: 'forward pass',
      ok: false,
      detail: `did not end within ${deadlineMs / 1000} s`,
      isLate: true,
    });
    expect(steps).toHaveLength(7);
  });

  test('that takes too much memory ends, and says how much it may take', async () => {
    const entry = await fatalEntry(grow, 'loads');
    const steps = await checkIsolated(sound, { entry, maxBytes });
    expect(failureOf(steps)).toEqual({
      name: 'loads',
      ok: false,
      detail: 'took more than 512 MiB of memory',
    });
  });

  test('is handed no secret in its environment, and what libraries are told by', async () => {
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'planted');
    vi.stubEnv('UMBRA_REDIS_URL', 'redis://:planted@host');
    vi.stubEnv('OMP_NUM_THREADS', '1');
    const entry = await fatalEntry(
      `send({ kind: 'failed', error: { code: 'internal', message: JSON.stringify(process.env) } })`,
      'ready',
    );
    const { message } = await checkIsolated(sound, { entry }).catch((error) => error);
    vi.unstubAllEnvs();
    expect(message).not.toContain('planted');
    const seen = Object.keys(JSON.parse(message));
    expect(seen).toEqual(expect.arrayContaining(['PATH', 'OMP_NUM_THREADS']));
    expect(seen).not.toContain('UMBRA_REDIS_URL');
  });

  test('ends with its signal', async () => {
    const stop = new AbortController();
    const check = checkIsolated(endless, { signal: stop.signal }, ({ name }) => {
      if (name === 'loads') stop.abort(new Error('nobody waits'));
    });
    await expect(check).rejects.toThrow('nobody waits');
  });

  test('that cannot be started is no fault of the model', async () => {
    for (const entry of [
      new URL('file:///nowhere.mjs'),
      await fatalEntry('process.exit(3)', 'ready'),
    ])
      await expect(checkIsolated(sound, { entry })).rejects.toMatchObject({ code: 'unavailable' });
  });
});

describe('opening in a process of its own', () => {
  const options = { inferenceThreads: 1 };

  test('tells what opening here tells', async () => {
    await openIsolated(sound, options);
    const broken = await writeTinyBundle(folder, { name: 'broken', onnx: Buffer.from('nothing') });
    await expect(openIsolated(broken, options)).rejects.toMatchObject({
      code: 'integrity',
    });
  });

  test('blames no model for a process that is killed, or does not end', async () => {
    const entry = await fatalEntry("process.kill(process.pid, 'SIGKILL')", 'done');
    await expect(openIsolated(sound, options, { entry })).rejects.toMatchObject({
      code: 'unavailable',
      message: 'the model ended the process that ran it: signal SIGKILL',
    });
    await expect(openIsolated(endless, options, { deadlineMs })).rejects.toMatchObject({
      code: 'unavailable',
      message: `did not end within ${deadlineMs / 1000} s`,
    });
  });
});

test('a drawing that takes too much memory is refused with the limit, and not tried again', async () => {
  const entry = await fatalEntry(grow, 'ready');
  const image = { height: 32, width: 32, tensor: new Float32Array(3 * 32 * 32) };
  const view = { layer: 'conv', photo: 'a.png', view: { page: 1 } };
  const drawing = drawActivations(sound, image, view, { entry, maxBytes });
  await expect(drawing).rejects.toMatchObject({
    code: 'unprocessable',
    message: "The drawing of layer 'conv' took more than 512 MiB of memory",
  });
});

describe('a description in a process of its own', () => {
  const claims = { size: { height: 32, width: 32 }, scale: 1 / 255, output: 'logits' };
  const write = async (name: string, bytes: Buffer) => {
    const path = await mkdtemp(join(folder, `${name}-`));
    await writeFile(join(path, 'model.onnx'), bytes);
    return path;
  };

  test('is that of a description here, and gives the digests that it may get', async () => {
    const path = await write('whole', encodeOnnx(tinyNetwork()));
    await writeFile(join(path, 'labels.txt'), 'a\nb\nc\nd\ne\n');
    const named = { ...claims, name: 'net', labels: 'labels.txt' };
    const staged = await describeIsolated(path, 'model.onnx', named);
    const here = await describeFolder(join(path, 'model.onnx'), {
      ...named,
      labels: join(path, 'labels.txt'),
    });
    expect(staged).toEqual(here);
    expect(possibleDigests(staged)).toEqual(possibleDigests(here));
    expect(possibleDigests(staged)).toHaveLength(2);
  });

  test.each([
    ['nothing', Buffer.from('nothing'), 'integrity', "Expected 'model.onnx' to be an ONNX model"],
    ['a claim', encodeOnnx(tinyNetwork()), 'invalid_input', "'model.onnx' has no bundle.json"],
    [
      'weights elsewhere',
      encodeOnnx(withFile(tinyNetwork(), '../../secret')),
      'invalid_input',
      "got one that reads '../../secret'",
    ],
  ])('refuses %s in words without a path of this machine', async (name, bytes, code, words) => {
    const path = await write('refused', bytes);
    const given = name === 'a claim' ? {} : claims;
    const error = await describeIsolated(path, 'model.onnx', given).catch((one) => one);
    expect(error).toMatchObject({ code, message: expect.stringContaining(words) });
    expect(error.message).not.toContain(folder);
  });

  test('of a file that ends the process fails the file', async () => {
    const path = await write('fatal', encodeOnnx(tinyNetwork()));
    const entry = await fatalEntry("process.kill(process.pid, 'SIGSEGV')", 'done');
    await expect(describeIsolated(path, 'model.onnx', claims, { entry })).rejects.toMatchObject({
      code: 'unprocessable',
      message: expect.stringContaining('signal SIGSEGV'),
    });
    const growing = await fatalEntry(grow, 'done');
    const limited = { entry: growing, maxBytes };
    await expect(describeIsolated(path, 'model.onnx', claims, limited)).rejects.toMatchObject({
      code: 'unprocessable',
      message: expect.stringContaining('took more than 512 MiB of memory'),
    });
  });
});

/** The first weights lie in a file beside the model. */
const withFile = (network: Network, file: string): Network => ({
  ...network,
  weights: network.weights.map((weight, index) => (index === 0 ? { ...weight, file } : weight)),
});
