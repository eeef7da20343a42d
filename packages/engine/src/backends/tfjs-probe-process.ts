/** Entry of a process that reports this machine's TensorFlow.js; what it loads ends with it. */
import { reportError } from '@umbra/shared/errors';
import { openTfjs } from './tfjs-runtime.js';

openTfjs().then(
  ({ name, version, device, refused }) =>
    process.send?.({ found: { name, version, device, refused } }),
  (error: unknown) => process.send?.({ error: reportError(error) }),
);
