/** Entry of a process that reports this machine's TensorFlow.js; what it loads ends with it. */
import { tfjsChoices } from '@umbra/shared/contracts/provider';
import { reportError } from '@umbra/shared/errors';
import { openTfjs } from './tfjs-runtime.js';

const [, , choice] = process.argv;

openTfjs(tfjsChoices.find((known) => known === choice)).then(
  ({ name, version, device, refused }) =>
    process.send?.({ found: { name, version, device, refused } }),
  (error: unknown) => process.send?.({ error: reportError(error) }),
);
