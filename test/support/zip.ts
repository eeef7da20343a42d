import { ZipArchive } from 'archiver';

/** A zip of files by name; names are taken as they are, bad ones too. */
export async function makeZip(files: Readonly<Record<string, Buffer>>): Promise<Buffer> {
  const names = Object.keys(files);
  const zip = new ZipArchive({ zlib: { level: 1 } });
  const chunks: Buffer[] = [];
  zip.on('data', (chunk: Buffer) => chunks.push(chunk));
  // Archivers mend bad names: each goes in under a stand-in of the same length, replaced in the bytes.
  for (const name of names) zip.append(files[name] ?? Buffer.alloc(0), { name: standIn(name) });
  await zip.finalize();
  let bytes = Buffer.concat(chunks).toString('latin1');
  for (const name of names) bytes = bytes.replaceAll(standIn(name), name);
  return Buffer.from(bytes, 'latin1');
}

const standIn = (name: string): string => `~${name.replaceAll(/[^a-z]/g, '~').slice(1)}`;
