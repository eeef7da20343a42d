/** Says which TensorFlow.js this machine has, in a thread of its own: what it loads goes with it. */
import { parentPort } from 'node:worker_threads';
import { reportError } from '@umbra/shared';
import { openTfjs } from './runtime.js';

openTfjs().then(
  ({ name, version, device, refused }) =>
    parentPort?.postMessage({ found: { name, version, device, refused } }),
  (error: unknown) => parentPort?.postMessage({ error: reportError(error) }),
);
