import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { type ShardResult, storedRows } from '@umbra/shared/contracts/shard';
import { integrity } from '@umbra/shared/errors';
import type { ObjectStore } from './store.js';

/** Far above what an image's scores take; an object that unpacks to more is none of ours. */
const maxBytes = 512 * 1024 * 1024;
const pack = promisify(gzip);
const unpack = promisify(gunzip);

/** Keep scored rows. Packed, since base64 is; gzip's checksum also tells bytes that rotted. */
export async function putRows(
  store: ObjectStore,
  key: string,
  address: string,
  rows: ShardResult,
): Promise<void> {
  const record = { version: 1, address, rows };
  await store.put(key, await pack(JSON.stringify(record), { level: 1 }));
}

/**
 * Read scored rows back.
 *
 * @throws {AppError} `not_found`; `integrity` if they are not what was kept for this address.
 */
export async function getRows(
  store: ObjectStore,
  key: string,
  address: string,
): Promise<ShardResult> {
  const packed = await store.get(key);
  let value: unknown;
  try {
    value = JSON.parse((await unpack(packed, { maxOutputLength: maxBytes })).toString());
  } catch (error) {
    throw integrity(`Expected packed rows in object '${key}'`, error);
  }
  const parsed = storedRows.safeParse(value);
  if (!parsed.success || parsed.data.address !== address) {
    throw integrity(`Expected rows of ${address} in object '${key}'`);
  }
  return parsed.data.rows;
}
