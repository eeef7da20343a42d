import { addAbortSignal } from 'node:stream';
import type { StoredObject } from './store.js';

/**
 * Have a signal end an object's body, too. Its reader hears of it; where there is none yet, nobody has to.
 *
 * @throws The signal's reason, where it was aborted while the object was opened.
 */
export function endWith(signal: AbortSignal | undefined, object: StoredObject): StoredObject {
  if (signal === undefined) return object;
  addAbortSignal(
    signal,
    object.body.on('error', () => undefined),
  );
  signal.throwIfAborted();
  return object;
}
