import { expect, test } from 'vitest';
import { chooseTfjs, tfjsCandidates } from './tfjs-runtime.js';

const [, native, wasm] = tfjsCandidates;
if (native === undefined || wasm === undefined) throw new Error('Expected three candidates');

test('a native package that cannot be loaded is recorded with its reason, and the next is used', async () => {
  const broken = {
    ...native,
    load: () =>
      Promise.reject(new Error('libtensorflow.so.2: cannot open shared object file\nmore')),
  };
  const runtime = await chooseTfjs('auto', [broken, wasm]);
  expect(runtime).toMatchObject({ name: 'tfjs-wasm', device: 'cpu' });
  expect(runtime.refused).toEqual([
    { package: native.package, reason: 'libtensorflow.so.2: cannot open shared object file' },
  ]);
});

test('a package that is not installed is reported as such', async () => {
  const absent = {
    ...native,
    package: '@tensorflow/tfjs-nowhere',
    load: () => import('@tensorflow/tfjs-nowhere' as string),
  };
  const { refused } = await chooseTfjs('auto', [absent, wasm]);
  expect(refused).toEqual([{ package: '@tensorflow/tfjs-nowhere', reason: 'not installed' }]);
});

test('a backend that is asked for is not replaced by another', async () => {
  const broken = { ...native, load: () => Promise.reject(new Error('broken')) };
  await expect(chooseTfjs('node', [broken, wasm])).rejects.toThrow(
    'Expected a TensorFlow.js backend on this machine; @tensorflow/tfjs-node: broken',
  );
});
