import { expect, test } from 'vitest';
import { type HostFacts, nameHost } from './process-name.js';

const machine: HostFacts = {
  hostname: 'node-1',
  bootId: '0b1c\n',
  pidNamespace: 'pid:[4026531836]',
  utsNamespace: 'uts:[4026531838]',
};
const one = { pidNamespace: 'pid:[4026532001]', utsNamespace: 'uts:[4026532000]' };
const other = { pidNamespace: 'pid:[4026532003]', utsNamespace: 'uts:[4026532002]' };

test('containers that share the name of their machine are told apart', () => {
  const { utsNamespace } = machine;
  const first = nameHost({ ...machine, ...one, utsNamespace });
  expect(nameHost({ ...machine, ...other, utsNamespace })).not.toBe(first);
  expect(nameHost(machine)).not.toBe(first);
});

test('a container that is started again is the same host', () => {
  const container = { ...machine, hostname: 'worker-7d4f' };
  expect(nameHost({ ...container, ...one })).toBe(nameHost({ ...container, ...other }));
});

test('machines of one name are told apart, and one that tells nothing has its name', () => {
  expect(nameHost({ ...machine, bootId: '2d3e' })).not.toBe(nameHost(machine));
  const unknown = { bootId: null, pidNamespace: null, utsNamespace: null };
  expect(nameHost({ hostname: 'mac', ...unknown })).toMatch(/^[0-9a-f]{8}$/);
});
