import type { Readable } from 'node:stream';
import { hasCode, integrity } from '@umbra/shared/errors';
import type { z } from 'zod';
import type { ObjectStore } from './store.js';

/**
 * Read and check a stored record.
 *
 * @throws {AppError} `not_found`; `integrity` if the bytes are not what the contract says.
 */
export async function getJson<T extends z.ZodType>(
  store: ObjectStore,
  key: string,
  schema: T,
): Promise<z.output<T>> {
  return parseJson((await store.get(key)).toString(), schema, `object '${key}'`);
}

/** Read and check a record that may be missing: null then. @throws {AppError} `integrity` as of `getJson`. */
export async function findJson<T extends z.ZodType>(
  store: ObjectStore,
  key: string,
  schema: T,
): Promise<z.output<T> | null> {
  return getJson(store, key, schema).catch((error: unknown) => {
    if (hasCode(error, 'not_found')) return null;
    throw error;
  });
}

export async function putJson(store: ObjectStore, key: string, value: unknown): Promise<void> {
  await store.put(key, `${JSON.stringify(value)}\n`);
}

/** No record of ours is near this; a longer line is no JSON Lines file. */
const maxLineBytes = 1024 * 1024;

/**
 * A JSON Lines stream, one checked record at a time, in bounded memory.
 *
 * `bytes` is what the record's line took of the stream, blank lines before it included: the sum
 * so far is the offset of the next record.
 *
 * @throws {AppError} `integrity` naming the line; errors of the stream pass as they are.
 */
export async function* readJsonLines<T extends z.ZodType>(
  stream: Readable,
  schema: T,
): AsyncGenerator<{ value: z.output<T>; bytes: number }> {
  let number = 0;
  let bytes = 0;
  for await (const line of readLines(stream)) {
    number += 1;
    bytes += line.length;
    const text = line.toString().trim();
    if (text === '') continue;
    yield { value: parseJson(text, schema, `line ${number}`), bytes };
    bytes = 0;
  }
}

/** Lines with their ends. Not `node:readline`, which neither bounds a line nor passes errors on. */
export async function* readLines(stream: Readable): AsyncGenerator<Buffer> {
  let held: Buffer[] = [];
  let heldBytes = 0;
  for await (const chunk of stream) {
    let rest: Buffer = Buffer.from(chunk);
    for (let end = rest.indexOf(10); end !== -1; end = rest.indexOf(10)) {
      yield Buffer.concat([...held, rest.subarray(0, end + 1)]);
      rest = rest.subarray(end + 1);
      held = [];
      heldBytes = 0;
    }
    held.push(rest);
    heldBytes += rest.length;
    if (heldBytes > maxLineBytes) {
      throw integrity(`Expected lines of at most ${maxLineBytes} bytes, got a longer one`);
    }
  }
  if (heldBytes > 0) yield Buffer.concat(held);
}

/** Parse and check a record. @throws {AppError} `integrity` naming where it is from. */
export function parseJson<T extends z.ZodType>(
  text: string,
  schema: T,
  where: string,
): z.output<T> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw integrity(`Expected JSON in ${where}`, error);
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const field = issue?.path.join('.') || '(record)';
  throw integrity(`Bad record in ${where}: ${field}: ${issue?.message}`);
}
