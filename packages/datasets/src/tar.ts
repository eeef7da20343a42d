import { pipeline, type Readable, Transform } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { AppError, hasCode, invalidInput } from '@umbra/shared/errors';
import { extract, type Header } from 'tar-stream';
import { isIgnoredFile } from './names.js';
import type { Sink } from './sink.js';
import { assertEntries, assertExpansion, type UnpackLimits } from './unpack-limits.js';

export type TarOptions = UnpackLimits & { readonly isCompressed: boolean };

/**
 * Give the files of a tar to a sink, one at a time, as they come. Nothing is unpacked to disk.
 *
 * Folders, `__MACOSX` and hidden files are passed over; links, devices, sparse files and names that
 * would leave the folder are refused one by one.
 *
 * @throws {AppError} `invalid_input` if it is no tar, or a broken one; `too_large`; errors of the
 *   body's own pass as they are.
 * @throws The signal's reason.
 */
export async function unpackTar(body: Readable, sink: Sink, options: TarOptions): Promise<void> {
  const tar = extract();
  let failure: unknown;
  const done = (error: unknown): void => {
    failure ??= error ?? undefined;
  };
  // Errors of the body are told by the stream that reads it; its own says who is at fault.
  let bodyError: unknown;
  body.once('error', (error) => {
    bodyError = error;
  });
  const { signal, isCompressed } = options;
  const { packed, content } = meterExpansion(options);
  if (isCompressed) pipeline(body, packed, createGunzip(), content, tar, done);
  else pipeline(body, packed, content, tar, done);
  const stop = () => {
    body.destroy(signal.reason);
    // The body may have been read to its end.
    tar.destroy(signal.reason as Error);
  };
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  let entries = 0;
  try {
    for await (const entry of tar) {
      entries += 1;
      assertEntries(entries, options);
      signal.throwIfAborted();
      await unpackEntry(entry.header, () => entry as unknown as Readable, sink);
      entry.resume();
    }
  } catch (error) {
    body.destroy();
    signal.throwIfAborted();
    if (hasCode(bodyError)) throw bodyError;
    // A sink that ends it breaks the stream, too, and that is not why.
    throw badTar(hasCode(error) ? error : (failure ?? error));
  } finally {
    signal.removeEventListener('abort', stop);
  }
  // An empty body is a tar of no files to the library, and to nobody else.
  if (entries === 0) throw badTar(new Error('it has no entries'));
}

/** Everything that comes out counts: headers, and what follows the tar's end, are no entry's. */
function meterExpansion(limits: UnpackLimits) {
  let packedBytes = 0;
  let bytes = 0;
  const packed = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      packedBytes += chunk.length;
      done(null, chunk);
    },
  });
  const content = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      try {
        assertExpansion(bytes, packedBytes, limits);
        done(null, chunk);
      } catch (error) {
        done(error as AppError);
      }
    },
  });
  return { packed, content };
}

async function unpackEntry(header: Header, open: () => Readable, sink: Sink): Promise<void> {
  const { name: given, type, size, pax } = header;
  // `tar -C folder .` begins every name so.
  const name = given.replace(/^(\.\/)+/, '');
  if (type === 'directory' || name === '' || isIgnoredFile(name)) return;
  if (type !== 'file' && type !== 'contiguous-file') {
    return sink.refuse(name, invalidInput(`Expected a file, got a ${type ?? 'special file'}`));
  }
  const isSparse = Object.keys((pax ?? {}) as object).some((key) => key.startsWith('GNU.sparse'));
  if (isSparse) return sink.refuse(name, invalidInput('Expected a whole file, got a sparse one'));
  await sink.add(name, open, size);
}

const badTar = (error: unknown): AppError => {
  if (error instanceof AppError) return error;
  if (hasCode(error)) return new AppError(error.code, error.message, { cause: error });
  return invalidInput(
    `Expected a tar file, got a broken one (${error instanceof Error ? error.message : String(error)})`,
    error,
  );
};
