import { createHash } from 'node:crypto';
import { integrity } from '@umbra/shared/errors';
import { floatBytes, floatsOf } from './cells.js';
import { type ImageEvidence, latticeSide } from './evidence.js';

/** `UMEV`, and the version of what follows. */
const magic = Buffer.from('UMEV\u0001', 'latin1');
const digestBytes = 32;
const prefixBytes = magic.length + digestBytes + 4;
const mapBytes = 4 * latticeSide * latticeSide;

/** An image without its maps, and how many of them follow: `map`, then `objectMap`, then `sizeMaps`. */
type FlatImage = Omit<ImageEvidence, 'map' | 'objectMap' | 'sizeMaps'> & {
  readonly hasObjectMap: boolean;
  readonly sizes: number;
};

/**
 * Write images' evidence as bytes: `UMEV`, the version, the sha256 of the rest, the length of the header (uint32,
 * little-endian), the header as JSON, and the maps as little-endian float32. Numbers are finite outside of maps.
 */
export function encodeEvidence(images: readonly ImageEvidence[]): Buffer {
  const flat = images.map(
    ({ map: _, objectMap, sizeMaps, ...image }): FlatImage => ({
      ...image,
      hasObjectMap: objectMap !== null,
      sizes: sizeMaps.length,
    }),
  );
  const header = Buffer.from(JSON.stringify(flat));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(header.length);
  const maps = images.flatMap(({ map, objectMap, sizeMaps }) =>
    [map, ...(objectMap === null ? [] : [objectMap]), ...sizeMaps].map(floatBytes),
  );
  const body = Buffer.concat([length, header, ...maps]);
  return Buffer.concat([magic, digestOf(body), body]);
}

/**
 * The inverse of `encodeEvidence`, exact.
 *
 * @throws {AppError} `integrity` unless the bytes are whole, and of this version.
 */
export function decodeEvidence(bytes: Buffer): ImageEvidence[] {
  const body = bytes.subarray(magic.length + digestBytes);
  if (bytes.length < prefixBytes || !bytes.subarray(0, magic.length).equals(magic)) {
    throw integrity('Expected evidence of version 1, got something else');
  }
  if (!digestOf(body).equals(bytes.subarray(magic.length, magic.length + digestBytes))) {
    throw integrity('Expected evidence as its digest says, got other bytes');
  }
  const end = 4 + body.readUInt32LE(0);
  const flat = JSON.parse(body.toString('utf8', 4, end)) as readonly FlatImage[];
  let offset = end;
  const nextMap = () => {
    offset += mapBytes;
    return floatsOf(body.subarray(offset - mapBytes, offset));
  };
  return flat.map(({ hasObjectMap, sizes, ...image }) => ({
    ...image,
    map: nextMap(),
    objectMap: hasObjectMap ? nextMap() : null,
    sizeMaps: Array.from({ length: sizes }, nextMap),
  }));
}

const digestOf = (bytes: Buffer): Buffer => createHash('sha256').update(bytes).digest();
