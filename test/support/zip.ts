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

/** Length of a zip's last record without a comment. */
const endBytes = 22;

/** A zip of one file, listed a number of times: all entries share its bytes. */
export function shareBytes(zip: Buffer, count: number): Buffer {
  const end = Buffer.from(zip.subarray(zip.length - endBytes));
  const start = end.readUInt32LE(16);
  const row = zip.subarray(start, zip.length - endBytes);
  end.writeUInt16LE(count, 8);
  end.writeUInt16LE(count, 10);
  end.writeUInt32LE(count * row.length, 12);
  return Buffer.concat([zip.subarray(0, start), ...Array<Buffer>(count).fill(row), end]);
}
