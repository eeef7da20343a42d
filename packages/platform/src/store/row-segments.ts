import { randomUUID } from 'node:crypto';
import { promisify } from 'node:util';
import { createGunzip, gzip } from 'node:zlib';
import type { Reference } from '@umbra/shared/contracts/reference';
import { type StoredRow, storedRow } from '@umbra/shared/contracts/row';
import { integrity } from '@umbra/shared/errors';
import { readJsonLines } from './json.js';
import { keys } from './keys.js';
import type { ObjectStore } from './store.js';

const pack = promisify(gzip);

/** Put rows of a job's images into a segment of their own, which is never changed. @param rows One line of JSON each. */
export async function putRowSegment(
  store: ObjectStore,
  { tenant, id }: Reference,
  rows: readonly string[],
): Promise<void> {
  const key = keys.rowSegment(tenant, id, { writtenMs: Date.now(), token: randomUUID() });
  await store.put(key, await pack(rows.map((row) => `${row}\n`).join('')));
}

const ending = storedRow.pick({ id: true, state: true, attempt: true });

/**
 * Read of which images a job's segments have rows, in the order of writing: a later row of an image
 * replaces the earlier one.
 *
 * @throws {AppError} `integrity` if a segment is damaged.
 */
export async function* readRowEndings(
  store: ObjectStore,
  { tenant, id }: Reference,
): AsyncGenerator<Pick<StoredRow, 'id' | 'state' | 'attempt'>> {
  for await (const { key } of store.list(keys.rowSegments(tenant, id))) {
    const { body } = await store.stream(key);
    const unpacked = createGunzip();
    body.on('error', (error) => unpacked.destroy(error));
    try {
      for await (const { value } of readJsonLines(body.pipe(unpacked), ending.strip())) yield value;
    } catch (error) {
      if (isPackingFault(error)) throw integrity(`Expected packed rows in object '${key}'`, error);
      throw error;
    } finally {
      body.destroy();
      unpacked.destroy();
    }
  }
}

/** Whether bytes are not what zlib packs; faults of the store have other codes. */
const isPackingFault = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && /^Z_(DATA|BUF)_ERROR$/.test(String(error.code));
