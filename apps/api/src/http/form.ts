import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Busboy, type BusboyConfig, type BusboyInstance } from '@fastify/busboy';
import { AppError, invalidInput } from '@umbra/shared/errors';
import type { Request } from 'express';

type FormOptions = Omit<BusboyConfig, 'headers'>;

/** Open a parser of a request's form. @throws {AppError} `invalid_input` without a boundary. */
export function openForm(request: Request, options: FormOptions): BusboyInstance {
  try {
    const type = request.get('content-type') ?? '';
    return new Busboy({ ...options, headers: { ...request.headers, 'content-type': type } });
  } catch (error) {
    throw invalidInput('Expected a multipart form with a boundary', error);
  }
}

/** What HTML's rule writes for the characters that would end a name in a form's header. */
const escapes: Readonly<Record<string, string>> = { '%22': '"', '%0D': '\r', '%0A': '\n' };

/**
 * The name that a client gave to a file of a form; empty if it gave none.
 *
 * @see https://html.spec.whatwg.org/multipage/form-control-infrastructure.html#multipart-form-data
 */
export const fileNameOf = (header: string | undefined): string =>
  (header ?? '').replaceAll(/%22|%0D|%0A/g, (found) => escapes[found] ?? found);

/**
 * Read a form to its end. Where it breaks off, the file that it left open fails, too: no reader waits for the
 * rest of it, or takes it as complete.
 */
export async function feedForm(body: Readable, form: BusboyInstance): Promise<void> {
  let latest: Readable | undefined;
  form.on('file', (_field, stream) => {
    latest = stream;
    // The form emits its error on the open file, too, and then ends it like any other.
    stream.on('error', (error) => stream.destroy(error));
  });
  try {
    await pipeline(body, form);
  } catch (error) {
    latest?.destroy(error instanceof Error ? error : new Error('The form broke off'));
    throw error;
  }
}

/** Reads the parts of a form; an error of either ends the form. */
export type PartReader = {
  /** @param name The client's name of the file; empty if it gave none. */
  file(field: string, name: string, stream: Readable): Promise<void>;
  field(field: string, value: string): Promise<void> | void;
};

/**
 * Pass the parts of a form to a reader as they arrive, one at a time.
 *
 * @param body The request's body, already limited in size.
 * @throws {AppError} `invalid_input` if the form is malformed, ends early, or has more parts than its limits allow.
 *   What the reader throws.
 */
export async function readParts(
  body: Readable,
  form: BusboyInstance,
  reader: PartReader,
): Promise<void> {
  // Parts are read in turn, which holds the form back: a file's stream is not read before its turn.
  let turn = Promise.resolve();
  let failure: unknown;
  const fail = (error: unknown): void => {
    // A file breaks off with its form, whose own error is thrown.
    if (form.errored === null) failure ??= error;
    // The rest would be read only to be discarded, and a form waits for each of its files.
    form.destroy();
  };
  const inTurn = (read: () => Promise<void> | void): Promise<void> =>
    turn.then(() => (failure === undefined ? read() : undefined)).catch(fail);
  form.on('file', (field, stream, filename: string | undefined) => {
    turn = inTurn(() => reader.file(field, fileNameOf(filename), stream)).finally(() =>
      stream.resume(),
    );
  });
  form.on('field', (field: string | undefined, value) => {
    turn = inTurn(() => reader.field(field ?? '', value));
  });
  for (const limit of ['filesLimit', 'fieldsLimit', 'partsLimit'] as const) {
    form.on(limit, () => fail(invalidInput('Expected a form with fewer parts')));
  }
  try {
    await feedForm(body, form);
  } catch (error) {
    await turn;
    if (failure !== undefined) throw failure;
    throw error instanceof AppError
      ? error
      : invalidInput('Expected a complete multipart form', error);
  }
  await turn;
  if (failure !== undefined) throw failure;
}
