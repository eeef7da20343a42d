import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { z } from 'zod';
import { integrity } from '../errors.js';
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

export async function putJson(store: ObjectStore, key: string, value: unknown): Promise<void> {
  await store.put(key, `${JSON.stringify(value)}\n`);
}

/** A JSON Lines stream, one checked record at a time, with the bytes its line takes. */
export async function* readJsonLines<T extends z.ZodType>(
  stream: Readable,
  schema: T,
): AsyncGenerator<{ value: z.output<T>; bytes: number }> {
  let number = 0;
  for await (const line of createInterface({
    input: stream,
    crlfDelay: Number.POSITIVE_INFINITY,
  })) {
    number += 1;
    if (line === '') continue;
    yield {
      value: parseJson(line, schema, `line ${number}`),
      bytes: Buffer.byteLength(line) + 1,
    };
  }
}

function parseJson<T extends z.ZodType>(text: string, schema: T, where: string): z.output<T> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw integrity(`Expected JSON in ${where}`, error);
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw integrity(`Bad record in ${where}: ${issue?.path.join('.')}: ${issue?.message}`);
}
