import { mkdtemp, rm, writeFile } from 'node:fs/promises';
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
