import { Readable } from 'node:stream';
import type { UmbraClient } from '@umbra/client';
import { integrity } from '@umbra/shared/errors';
import { fromRandomAccessReaderPromise, RandomAccessReader, type ZipFile } from 'yauzl';

/** What one request fetches: many entries of the archive's directory, or several files of an image. */
const blockBytes = 1024 * 1024;
/** The directory and the files of an image lie far from each other. */
const keptBlocks = 4;

/** A zip that stays in the service, and is read by ranges. */
export type RemoteArchive = {
  /** Path in the service. */
  readonly path: string;
  readonly bytes: number;
};

/** Open an archive of a job where it lies. */
export const openRemoteArchive = (
  client: UmbraClient,
  { path, bytes }: RemoteArchive,
): Promise<ZipFile> =>
  fromRandomAccessReaderPromise(
    new BlockReader(async (start, end) => {
      const headers = { Range: `bytes=${start}-${end - 1}` };
      const response = await client.request(path, { headers });
      const block = Buffer.from(await response.arrayBuffer());
      if (block.length === end - start) return block;
      throw integrity(`Expected ${end - start} bytes of ${path}, got ${block.length}`);
    }, bytes),
    bytes,
  );

class BlockReader extends RandomAccessReader {
  readonly #fetch: (start: number, end: number) => Promise<Buffer>;
  readonly #bytes: number;
  #blocks: { readonly index: number; readonly content: Promise<Buffer> }[] = [];

  constructor(fetch: (start: number, end: number) => Promise<Buffer>, bytes: number) {
    super();
    this.#fetch = fetch;
    this.#bytes = bytes;
  }

  override _readStreamForRange(start: number, end: number): Readable {
    return Readable.from(this.#read(start, end), { objectMode: false });
  }

  async *#read(start: number, end: number): AsyncGenerator<Buffer> {
    for (let at = start; at < end; ) {
      const index = Math.floor(at / blockBytes);
      const block = await this.#block(index);
      const stop = Math.min(end, (index + 1) * blockBytes);
      yield block.subarray(at - index * blockBytes, stop - index * blockBytes);
      at = stop;
    }
  }

  #block(index: number): Promise<Buffer> {
    const known = this.#blocks.find((one) => one.index === index);
    if (known !== undefined) return known.content;
    const start = index * blockBytes;
    const content = this.#fetch(start, Math.min(this.#bytes, start + blockBytes));
    this.#blocks = [{ index, content }, ...this.#blocks].slice(0, keptBlocks);
    return content;
  }
}
