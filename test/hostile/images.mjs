// Images that are none, or are more than they seem.
import { deflateSync } from 'node:zlib';
import { hugePng } from '@umbra/engine/testing';
import sharp from 'sharp';
import { formBody } from './forms.mjs';
import { damage } from './mutate.mjs';

const formats = /** @type {const} */ (['png', 'jpeg', 'webp', 'tiff', 'gif', 'avif']);
const side = 24;

/** @type {Map<string, Buffer>} small images by format, encoded once */
const encoded = new Map();

/** @param {(typeof formats)[number]} format */
async function encode(format) {
  const known = encoded.get(format);
  if (known !== undefined) return known;
  const create = {
    width: side,
    height: side,
    channels: /** @type {const} */ (3),
    background: 'teal',
  };
  const bytes = await sharp({ create }).toFormat(format).toBuffer();
  encoded.set(format, bytes);
  return bytes;
}

const svg = (/** @type {string} */ content) =>
  Buffer.from(
    `<?xml version="1.0"?>${content}<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>`,
  );

/** A TIFF whose first directory is its own next one. */
function loopingTiff() {
  const bytes = Buffer.alloc(26);
  bytes.write('II*\0', 'latin1');
  bytes.writeUInt32LE(8, 4);
  bytes.writeUInt16LE(1, 8);
  bytes.writeUInt32LE(8, 22);
  return bytes;
}

/** A JPEG whose frame says 65,535 x 65,535. */
async function vastJpeg() {
  const bytes = Buffer.from(await encode('jpeg'));
  const frame = bytes.indexOf(Buffer.from('ffc0', 'hex'));
  bytes.fill(0xff, frame + 5, frame + 9);
  return bytes;
}

/** A WebP that says it is 4 GiB. */
async function vastWebp() {
  const bytes = Buffer.from(await encode('webp'));
  bytes.writeUInt32LE(0xffffffff, 4);
  return bytes;
}

/** A PNG whose text is a megabyte of zeros, compressed. */
async function talkativePng() {
  const bytes = await encode('png');
  const data = Buffer.concat([Buffer.from('Comment\0\0'), deflateSync(Buffer.alloc(1 << 20))]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  const chunk = Buffer.concat([length, Buffer.from('zTXt'), data, Buffer.alloc(4)]);
  return Buffer.concat([bytes.subarray(0, 33), chunk, bytes.subarray(33)]);
}

/** @type {Readonly<Record<string, () => Buffer | Promise<Buffer>>>} */
const crafted = {
  'a PNG of 20,000 x 20,000': () => hugePng(20_000, 20_000),
  'a JPEG that says 65,535 x 65,535': vastJpeg,
  'a WebP that says 4 GiB': vastWebp,
  'a PNG with a text bomb': talkativePng,
  'a TIFF that loops': loopingTiff,
  'an SVG with an entity of a file': () =>
    svg('<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>'),
  'an SVG with a bomb of entities': () =>
    svg('<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'),
  'a web page': () => Buffer.from('<html><img src="http://127.0.0.1/"></html>'),
  'a PDF': () => Buffer.from('%PDF-1.7\n1 0 obj <</Type/Catalog>> endobj'),
  'a HEIC header': () => Buffer.from('00000018667479706865696300000000', 'hex'),
  'a BMP header': () => Buffer.from(`424d${'ff'.repeat(60)}`, 'hex'),
  nothing: () => Buffer.alloc(0),
};

/** @type {import('./case.mjs').Generator} */
export async function badImages(chance, { open }) {
  /** @type {{ name: string, bytes: Buffer }[]} */
  const files = [];
  const names = [];
  for (let left = 4; left > 0; left--) {
    const { name, bytes } = await badImage(chance);
    names.push(name);
    files.push({ name: `photo-${left}.${chance.pick([...formats, 'exe'])}`, bytes });
  }
  const isExplained = chance.next() < 0.2;
  return {
    kind: 'images',
    name: names.join('; '),
    async run({ send }) {
      if (isExplained) {
        const headers = { 'content-type': 'application/octet-stream' };
        const path = '/v1/explain?model=tiny&deadlineSeconds=5';
        return send({ path, headers, body: files[0]?.bytes ?? '', mayWait: true });
      }
      return send({ path: `/v1/datasets/${open}/images`, mayWait: true, ...formBody(files) });
    },
  };
}

/** @param {import('../trials/chance.mjs').Chance} chance */
export async function badImage(chance) {
  if (chance.next() < 0.25) {
    const name = chance.pick(Object.keys(crafted));
    return { name, bytes: (await crafted[name]?.()) ?? Buffer.alloc(0) };
  }
  const format = chance.pick(formats);
  const { name, bytes } = damage(await encode(format), chance);
  return { name: `${format}: ${name}`, bytes };
}
