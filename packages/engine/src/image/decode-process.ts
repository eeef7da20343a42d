/** Entry of a process that decodes photos, one at a time: what kills it costs that photo alone. */
import { reportError } from '@umbra/shared/errors';
import { type DecodeTask, decodeHere } from './decode-task.js';

// Signals may go to every process of a group; this one ends with its parent, after the photo that it has.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => undefined);
process.on('disconnect', () => process.exit());
process.on('message', ({ bytes, task }: { bytes: Buffer; task: DecodeTask }) => {
  decodeHere(bytes, task).then(
    (decoded) => process.send?.({ decoded }),
    (error: unknown) => process.send?.({ error: reportError(error) }),
  );
});
process.send?.({ ready: true });
