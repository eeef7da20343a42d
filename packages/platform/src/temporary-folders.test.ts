import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { makeTemporaryFolder, removeDeadFolders } from './temporary-folders.js';

let parent: string;
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'umbra-temporary-'));
  vi.stubEnv('TMPDIR', parent);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(parent, { recursive: true, force: true });
});

const old = new Date(Date.now() - 25 * 3600 * 1000);

test('leaves the folders of this process, and of one that runs', async () => {
  const own = await makeTemporaryFolder('upload');
  await utimes(own, old, old);
  expect(await removeDeadFolders(parent)).toEqual([]);
  expect(await readdir(parent)).toEqual([basename(own)]);
});

test('takes what a killed process left, whole', async () => {
  const own = basename(await makeTemporaryFolder('archive'));
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
  child.kill('SIGKILL');
  await once(child, 'exit');
  const dead = own.replace(`-${process.pid}-`, `-${child.pid}-`);
  // The id of a process that is gone, given to another one.
  const reused = own.replace(/-\d+-([A-Za-z0-9]{6})$/, '-17-$1');
  const converted = dead.replace('-archive-', '-onnx-');
  for (const name of [dead, reused, converted]) {
    await mkdir(join(parent, name), { recursive: true });
    await writeFile(join(parent, name, 'upload.zip'), 'half a zip');
  }
  const removed = await removeDeadFolders(parent);
  expect(removed.map((path) => basename(path)).sort()).toEqual([dead, reused, converted].sort());
  expect(await readdir(parent)).toEqual([own]);
});

test('takes what another machine, or a version before, left, after a day without a write', async () => {
  const names = ['umbra-upload-0badcafe-1-99-abcDEF', 'umbra-upload-abcDEF', 'umbra-onnx-abcDEF'];
  const others = ['umbra-upload', 'umbra-upload-abcDEF.bak', 'umbra-notes-abcDEF'];
  for (const name of [...names, ...others]) {
    await mkdir(join(parent, name));
    await utimes(join(parent, name), old, old);
  }
  await symlink(parent, join(parent, 'umbra-upload-LinkTo'));
  await writeFile(join(parent, 'umbra-upload-abcDEF', 'upload.zip'), 'still written to');
  await utimes(join(parent, 'umbra-upload-abcDEF'), old, old);
  const removed = await removeDeadFolders(parent);
  expect(removed.map((path) => basename(path)).sort()).toEqual([names[2], names[0]]);
  expect(await readdir(parent)).toEqual(expect.arrayContaining([...others, 'umbra-upload-LinkTo']));
});
