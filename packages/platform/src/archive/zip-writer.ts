import { type FileHandle, open } from 'node:fs/promises';
import type { Readable } from 'node:stream';

/** An entry whose sizes are known before it is written. */
export type ZipEntry = {
  /** A relative path with `/`. */
  readonly name: string;
  readonly method: 'store' | 'deflate';
  /** CRC-32 of the plain bytes. */
  readonly crc: number;
  /** Plain, and as `content` has them. */
  readonly bytes: number;
  readonly packedBytes: number;
  readonly content: Buffer | Readable;
};

export type ZipWriter = {
  add(entry: ZipEntry): Promise<void>;
  /** Write the directory. Nothing can be added after. */
  finish(): Promise<void>;
  /** Bytes so far, and of the directory that comes last. */
  bytes(): number;
  close(): Promise<void>;
};

const largest32 = 0xffff_ffff;
const largest16 = 0xffff;
const plainVersion = 20;
const zip64Version = 45;
const unix = 3 << 8;
const isUtf8 = 0x0800;
const regularFile = 0o100644;
const spoolBytes = 64 * 1024;

/**
 * Write a zip as a stream, in memory that grows with neither its bytes nor its entries.
 *
 * Packages that write zips hold the directory in memory; it is spooled to a file here, since an archive
 * may have millions of entries. Zip64 fields stand only where numbers need them.
 *
 * @param write Takes the next bytes; resolves when more may come.
 * @param time Of every entry, so that the same results give the same bytes.
 * @see https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
 */
export async function createZipWriter(
  write: (chunk: Buffer) => Promise<void>,
  directoryPath: string,
  time: Date,
): Promise<ZipWriter> {
  const directory: FileHandle = await open(directoryPath, 'wx+');
  const stamp = dosTime(time);
  let offset = 0;
  let directoryBytes = 0;
  let entries = 0;
  let unspooled: Buffer[] = [];
  let unspooledBytes = 0;
  const spool = async (): Promise<void> => {
    await directory.write(Buffer.concat(unspooled));
    unspooled = [];
    unspooledBytes = 0;
  };
  const put = async (chunk: Buffer): Promise<void> => {
    offset += chunk.length;
    await write(chunk);
  };
  return {
    async add(entry) {
      const startsAt = offset;
      await put(localHeader(entry, stamp));
      if (Buffer.isBuffer(entry.content)) await put(entry.content);
      else for await (const chunk of entry.content) await put(Buffer.from(chunk));
      const record = directoryRecord(entry, stamp, startsAt);
      unspooled.push(record);
      unspooledBytes += record.length;
      if (unspooledBytes > spoolBytes) await spool();
      directoryBytes += record.length;
      entries += 1;
    },
    async finish() {
      const startsAt = offset;
      await spool();
      const spooled = directory.createReadStream({ start: 0, autoClose: false });
      for await (const chunk of spooled) await put(chunk as Buffer);
      await put(endRecords(entries, directoryBytes, startsAt));
    },
    bytes: () => offset + directoryBytes,
    close: () => directory.close(),
  };
}

/** MS-DOS date and time, two seconds a step; UTC, since zips do not say a zone. */
function dosTime(time: Date): { readonly time: number; readonly date: number } {
  const year = Math.min(127, Math.max(0, time.getUTCFullYear() - 1980));
  return {
    time: (time.getUTCHours() << 11) | (time.getUTCMinutes() << 5) | (time.getUTCSeconds() >> 1),
    date: (year << 9) | ((time.getUTCMonth() + 1) << 5) | time.getUTCDate(),
  };
}

type Stamp = ReturnType<typeof dosTime>;

function localHeader({ name, method, crc, bytes, packedBytes }: ZipEntry, stamp: Stamp): Buffer {
  const isLarge = bytes >= largest32 || packedBytes >= largest32;
  const extra = isLarge ? zip64Extra([bytes, packedBytes]) : Buffer.alloc(0);
  const path = Buffer.from(name);
  const header = Buffer.alloc(30);
  header.writeUInt32LE(0x0403_4b50, 0);
  header.writeUInt16LE(isLarge ? zip64Version : plainVersion, 4);
  header.writeUInt16LE(isUtf8, 6);
  header.writeUInt16LE(method === 'store' ? 0 : 8, 8);
  header.writeUInt16LE(stamp.time, 10);
  header.writeUInt16LE(stamp.date, 12);
  header.writeUInt32LE(crc, 14);
  header.writeUInt32LE(isLarge ? largest32 : packedBytes, 18);
  header.writeUInt32LE(isLarge ? largest32 : bytes, 22);
  header.writeUInt16LE(path.length, 26);
  header.writeUInt16LE(extra.length, 28);
  return Buffer.concat([header, path, extra]);
}

function directoryRecord(entry: ZipEntry, stamp: Stamp, startsAt: number): Buffer {
  const { bytes, packedBytes } = entry;
  // Only those that do not fit, in this order.
  const large = [bytes, packedBytes, startsAt].filter((value) => value >= largest32);
  const extra = large.length > 0 ? zip64Extra(large) : Buffer.alloc(0);
  const path = Buffer.from(entry.name);
  const record = Buffer.alloc(46);
  record.writeUInt32LE(0x0201_4b50, 0);
  record.writeUInt16LE(unix | zip64Version, 4);
  record.writeUInt16LE(large.length > 0 ? zip64Version : plainVersion, 6);
  record.writeUInt16LE(isUtf8, 8);
  record.writeUInt16LE(entry.method === 'store' ? 0 : 8, 10);
  record.writeUInt16LE(stamp.time, 12);
  record.writeUInt16LE(stamp.date, 14);
  record.writeUInt32LE(entry.crc, 16);
  record.writeUInt32LE(Math.min(packedBytes, largest32), 20);
  record.writeUInt32LE(Math.min(bytes, largest32), 24);
  record.writeUInt16LE(path.length, 28);
  record.writeUInt16LE(extra.length, 30);
  record.writeUInt32LE(regularFile * 0x1_0000, 38);
  record.writeUInt32LE(Math.min(startsAt, largest32), 42);
  return Buffer.concat([record, path, extra]);
}

function zip64Extra(values: readonly number[]): Buffer {
  const extra = Buffer.alloc(4 + 8 * values.length);
  extra.writeUInt16LE(1, 0);
  extra.writeUInt16LE(8 * values.length, 2);
  for (const [at, value] of values.entries()) extra.writeBigUInt64LE(BigInt(value), 4 + 8 * at);
  return extra;
}

function endRecords(entries: number, bytes: number, startsAt: number): Buffer {
  const isLarge = entries >= largest16 || bytes >= largest32 || startsAt >= largest32;
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x0605_4b50, 0);
  end.writeUInt16LE(Math.min(entries, largest16), 8);
  end.writeUInt16LE(Math.min(entries, largest16), 10);
  end.writeUInt32LE(Math.min(bytes, largest32), 12);
  end.writeUInt32LE(Math.min(startsAt, largest32), 16);
  return isLarge ? Buffer.concat([zip64End(entries, bytes, startsAt), end]) : end;
}

/** The end of a large directory, and the locator that says where this is. */
function zip64End(entries: number, bytes: number, startsAt: number): Buffer {
  const record = Buffer.alloc(56 + 20);
  record.writeUInt32LE(0x0606_4b50, 0);
  record.writeBigUInt64LE(44n, 4);
  record.writeUInt16LE(unix | zip64Version, 12);
  record.writeUInt16LE(zip64Version, 14);
  record.writeBigUInt64LE(BigInt(entries), 24);
  record.writeBigUInt64LE(BigInt(entries), 32);
  record.writeBigUInt64LE(BigInt(bytes), 40);
  record.writeBigUInt64LE(BigInt(startsAt), 48);
  record.writeUInt32LE(0x0706_4b50, 56);
  record.writeBigUInt64LE(BigInt(startsAt + bytes), 64);
  record.writeUInt32LE(1, 72);
  return record;
}
