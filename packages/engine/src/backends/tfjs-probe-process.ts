/** Says which TensorFlow.js this machine has, in a process of its own: what it loads goes with it. */
import { reportError } from '@umbra/shared/errors';
import { openTfjs } from './tfjs-runtime.js';

openTfjs().then(
  ({ name, version, device, refused }) =>
    process.send?.({ found: { name, version, device, refused } }),
  (error: unknown) => process.send?.({ error: reportError(error) }),
);
