import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Busboy, type BusboyConfig, type BusboyInstance } from '@fastify/busboy';
import { invalidInput } from '@umbra/shared/errors';
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
