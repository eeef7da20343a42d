import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { endlessNetwork } from '../testing/endless-network.js';
import { writeTinyBundle } from '../testing/tiny-bundle.js';
import { encodeOnnx } from '../testing/tiny-onnx.js';
import { checkModel } from './check.js';
import type { CheckStep } from './check-steps.js';
import { checkIsolated, openIsolated } from './isolate-model.js';

let folder: string;
let sound: string;
let endless: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'umbra-isolated-'));
  sound = await writeTinyBundle(folder, { name: 'sound' });
  endless = await writeTinyBundle(folder, { name: 'endless', onnx: encodeOnnx(endlessNetwork()) });
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
    const steps = await checkIsolated(endless, { deadlineMs: 4_000 });
    expect(failureOf(steps)?.detail).toBe('did not end within 4 s');
    expect(steps).toHaveLength(7);
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

  test('refuses a model that ends two processes, or does not end', async () => {
    const entry = await fatalEntry(
      `(await import('node:fs')).mkdtempSync(${JSON.stringify(join(folder, 'death-'))}) && process.kill(process.pid, 'SIGABRT')`,
      'done',
    );
    await expect(openIsolated(sound, options, { entry })).rejects.toMatchObject({
      code: 'invalid_input',
      message: 'the model ended the process that ran it: signal SIGABRT',
    });
    expect((await readdir(folder)).filter((name) => name.startsWith('death-'))).toHaveLength(2);
    await expect(openIsolated(endless, options, { deadlineMs: 4_000 })).rejects.toMatchObject({
      code: 'invalid_input',
      message: 'did not end within 4 s',
    });
  });
});
