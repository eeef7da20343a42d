import { randomUUID } from 'node:crypto';
import { hasCode, unavailable } from '@umbra/shared/errors';
import { keys } from './keys.js';
import type { ObjectStore } from './store.js';

/**
 * Prove that objects can be written, read back and deleted.
 *
 * @throws {AppError} `unavailable`, whatever the driver's own error was.
 */
export async function checkStore(store: ObjectStore): Promise<void> {
  const key = keys.health(randomUUID());
  try {
    await store.put(key, key);
    const found = (await store.get(key)).toString();
    if (found !== key) throw unavailable('The store returned other bytes than were written');
    await store.delete(key);
  } catch (error) {
    if (hasCode(error, 'unavailable')) throw error;
    throw unavailable('The store cannot be written and read back', error);
  }
}
