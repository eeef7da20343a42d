import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { inspectTelemetry } from './library-telemetry.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'umbra-library-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test('the library that is installed heeds the variable if it can report, and it is set', async () => {
  const { version, canReport, heedsVariable, isDisabled } = await inspectTelemetry();
  expect(version).toMatch(/^\d+\.\d+\.\d+/);
  expect(heedsVariable || !canReport).toBe(true);
  expect(isDisabled).toBe(true);
});

test('a library that reports whatever is set is told from one that cannot', async () => {
  const place = join(folder, 'bin', 'napi-v9', process.platform, process.arch);
  const other = join(folder, 'bin', 'napi-v9', 'another', process.arch);
  for (const path of [place, other]) await mkdir(path, { recursive: true });
  await writeFile(join(folder, 'package.json'), '{"version":"9.9.9"}');
  await writeFile(join(other, 'lib.so'), '\0https://mobile.events.data.microsoft.com/\0');
  await writeFile(join(place, 'lib.so'), '\0nothing\0');
  const quiet = { version: '9.9.9', canReport: false, heedsVariable: false, isDisabled: true };
  expect(await inspectTelemetry(folder)).toEqual(quiet);
  await writeFile(join(place, 'lib.so'), '\0https://mobile.events.data.microsoft.com/\0');
  expect(await inspectTelemetry(folder)).toEqual({ ...quiet, canReport: true });
});
