import { gzipSync } from 'node:zlib';
import { type Header, pack } from 'tar-stream';

export type TarEntry = {
  readonly name: string;
  readonly bytes?: Buffer;
  readonly header?: Partial<Header>;
};

/** A tar of files in order; names and types are taken as they are, bad ones too. */
export async function makeTar(entries: readonly TarEntry[]): Promise<Buffer> {
  const tar = pack();
  const chunks: Buffer[] = [];
  const done = new Promise<void>((resolve) => {
    tar.on('data', (chunk) => {
      chunks.push(chunk as Buffer);
    });
    tar.on('end', () => resolve());
  });
  for (const { name, bytes = Buffer.alloc(0), header = {} } of entries) {
    tar.entry({ name, size: bytes.length, ...header }, bytes);
  }
  tar.finalize();
  await done;
  return Buffer.concat(chunks);
}

export const makeTarGz = async (entries: readonly TarEntry[]): Promise<Buffer> =>
  gzipSync(await makeTar(entries));
