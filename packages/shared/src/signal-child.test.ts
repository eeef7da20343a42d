import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test, vi } from 'vitest';
import { signalChild } from './signal-child.js';

test('a process that runs gets the signal, and none once it has ended', async () => {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
  expect(signalChild(child, 'SIGKILL')).toBe(true);
  expect(await once(child, 'exit')).toEqual([null, 'SIGKILL']);
  expect(signalChild(child, 'SIGKILL')).toBe(false);
});

test('nothing is signalled in place of a process that never started', async () => {
  const child = spawn('/no/such/program', { stdio: 'ignore' });
  const failed = once(child, 'error');
  // The real one would go to any process.
  const kill = vi.spyOn(child, 'kill').mockReturnValue(true);
  expect(signalChild(child, 'SIGKILL')).toBe(false);
  expect(kill).not.toHaveBeenCalled();
  await failed;
});
