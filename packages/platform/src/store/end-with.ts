import { addAbortSignal } from 'node:stream';
import type { StoredObject } from './store.js';

/** Have a signal end an object's body, too. Its reader hears of it; where there is none yet, nobody has to. */
export function endWith(signal: AbortSignal | undefined, object: StoredObject): StoredObject {
  if (signal !== undefined)
    addAbortSignal(
      signal,
      object.body.on('error', () => undefined),
    );
  return object;
}
