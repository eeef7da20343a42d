// Archives that are damaged, swell, overlap, or name files outside of themselves.
import { gzipSync } from 'node:zlib';
import { ZipArchive } from 'archiver';
import { pack } from 'tar-stream';
import { badImage } from './images.mjs';
import { damage, oddTexts } from './mutate.mjs';

/** @typedef {{ readonly name: string, readonly bytes: Buffer, readonly header?: object }} Entry */

/**
 * @param {readonly Entry[]} entries names are put in as they are
 * @returns {Promise<Buffer>}
 */
async function makeZip(entries) {
  const zip = new ZipArchive({ zlib: { level: 6 } });
  /** @type {Buffer[]} */
  const chunks = [];
  zip.on('data', (/** @type {Buffer} */ chunk) => chunks.push(chunk));
  // Archivers mend bad names: each goes in under a stand-in of its length, replaced in the bytes.
  const standIns = entries.map(({ name }, index) =>
    String(index).padEnd(Math.max(4, Buffer.byteLength(name)), '~'),
  );
  for (const [index, { bytes }] of entries.entries())
    zip.append(bytes, { name: standIns[index] ?? '' });
  await zip.finalize();
  let text = Buffer.concat(chunks).toString('latin1');
  for (const [index, { name }] of entries.entries()) {
    const wanted = Buffer.from(name).toString('latin1');
    if (wanted.length >= 4) text = text.replaceAll(standIns[index] ?? '', wanted);
  }
  return Buffer.from(text, 'latin1');
}

/**
 * @param {readonly Entry[]} entries
 * @returns {Promise<Buffer>}
 */
async function makeTar(entries) {
  const tar = pack();
  /** @type {Buffer[]} */
  const chunks = [];
  const done = new Promise((resolve) => tar.on('end', () => resolve(undefined)));
  tar.on('data', (chunk) => {
    chunks.push(/** @type {Buffer} */ (chunk));
  });
  for (const { name, bytes, header = {} } of entries) {
    tar.entry({ name, size: bytes.length, ...header }, bytes);
  }
  tar.finalize();
  await done;
  return Buffer.concat(chunks);
}

/** Every entry of the directory points at the first entry's bytes. @param {Buffer} zip */
function overlap(zip) {
  const copy = Buffer.from(zip);
  const signature = Buffer.from('504b0102', 'hex');
  for (let at = copy.indexOf(signature); at !== -1; at = copy.indexOf(signature, at + 4)) {
    copy.writeUInt32LE(0, at + 42);
  }
  return copy;
}

/**
 * @param {Buffer} zip
 * @param {string} signature of a record, in hexadecimal
 * @param {number} offset of the field in it
 * @param {number} value of two bytes
 */
function setField(zip, signature, offset, value) {
  const copy = Buffer.from(zip);
  const at = copy.indexOf(Buffer.from(signature, 'hex'));
  if (at !== -1) copy.writeUInt16LE(value, at + offset);
  return copy;
}

/** @type {Buffer | undefined} 70 MB of zeros in 70 kB, made once */
let zeros;
const bomb = () => (zeros ??= gzipSync(Buffer.alloc(70 * 1024 * 1024)));

const link = { type: 'symlink', linkname: '/etc/passwd' };

/** @type {Readonly<Record<string, (entries: Entry[], chance: import('../trials/chance.mjs').Chance) => Buffer | Promise<Buffer>>>} */
const crafted = {
  'a zip with odd names': (entries, chance) =>
    makeZip(entries.map((one) => ({ ...one, name: `${chance.pick(oddTexts).slice(0, 900)}.png` }))),
  'a zip whose entries overlap': async (entries) => overlap(await makeZip(entries)),
  'a zip that says 65,535 entries': async (entries) =>
    setField(await makeZip(entries), '504b0506', 10, 65_535),
  'a zip that says it is encrypted': async (entries) =>
    setField(await makeZip(entries), '504b0102', 8, 1),
  'a zip of an unknown method': async (entries) =>
    setField(await makeZip(entries), '504b0102', 10, 99),
  'a zip of zeros': () => makeZip([{ name: 'zeros.png', bytes: Buffer.alloc(20 * 1024 * 1024) }]),
  'a zip in a zip': async (entries) =>
    makeZip([{ name: 'inner.zip', bytes: await makeZip(entries) }]),
  'a zip with the same name twice': (entries) =>
    makeZip(entries.map((one) => ({ ...one, name: 'same.png' }))),
  'a tar of links and devices': (entries) =>
    makeTar([
      { name: 'link.png', bytes: Buffer.alloc(0), header: link },
      { name: 'device', bytes: Buffer.alloc(0), header: { type: 'character-device' } },
      ...entries,
    ]),
  'a tar with odd names': (entries, chance) =>
    makeTar(entries.map((one) => ({ ...one, name: `${chance.pick(oddTexts).slice(0, 90)}x` }))),
  'a tar with long pax headers': (entries) =>
    makeTar(entries.map((one) => ({ ...one, header: { pax: { comment: 'x'.repeat(100_000) } } }))),
  'a tar that swells': bomb,
  'a tar in several gzip members': async (entries) => {
    const tar = await makeTar(entries);
    return Buffer.concat([
      gzipSync(tar.subarray(0, 700)),
      gzipSync(tar.subarray(700)),
      Buffer.from('x'),
    ]);
  },
  nothing: () => Buffer.alloc(0),
};

const types = [
  'application/zip',
  'application/x-tar',
  'application/gzip',
  'application/octet-stream',
];

/** @type {import('./case.mjs').Generator} */
export async function badArchives(chance, { open }) {
  const entries = [];
  for (const name of ['cats/a.png', 'dogs/b.png', 'c.png']) {
    entries.push({ name, bytes: (await badImage(chance)).bytes });
  }
  const isCrafted = chance.next() < 0.5;
  const { name, bytes } = isCrafted
    ? await craft(entries, chance)
    : await damageOne(entries, chance);
  const type = chance.pick(types);
  const labels = chance.pick(['', '?labels=folder']);
  if (chance.next() < 0.15) return inParts(name, bytes);
  const path = chance.pick([`/v1/datasets${labels}`, `/v1/datasets/${open}/images${labels}`]);
  return {
    kind: 'archives',
    name: `${name}, as ${type}`,
    run: ({ send }) =>
      send({ method: 'POST', path, headers: { 'content-type': type }, body: bytes, mayWait: true }),
  };
}

/**
 * @param {Entry[]} entries
 * @param {import('../trials/chance.mjs').Chance} chance
 */
async function craft(entries, chance) {
  const name = chance.pick(Object.keys(crafted));
  return { name, bytes: (await crafted[name]?.(entries, chance)) ?? Buffer.alloc(0) };
}

/**
 * @param {Entry[]} entries
 * @param {import('../trials/chance.mjs').Chance} chance
 */
async function damageOne(entries, chance) {
  const format = chance.pick(['zip', 'tar', 'tar.gz']);
  const whole = format === 'zip' ? await makeZip(entries) : await makeTar(entries);
  const { name, bytes } = damage(format === 'tar.gz' ? gzipSync(whole) : whole, chance);
  return { name: `${format}: ${name}`, bytes };
}

/**
 * The same bytes as an upload in parts, which a worker reads once its dataset is closed.
 *
 * @param {string} name
 * @param {Buffer} bytes
 * @returns {import('./case.mjs').Case}
 */
const inParts = (name, bytes) => ({
  kind: 'archives',
  name: `${name}, in parts`,
  async run({ send }) {
    const headers = { 'content-type': 'application/json' };
    const made = await send({ path: '/v1/datasets', headers, body: '{}' });
    const dataset = JSON.parse(made.text).id;
    const body = JSON.stringify({ format: 'zip', bytes: Math.max(1, bytes.length) });
    const begun = await send({ path: `/v1/datasets/${dataset}/archives`, headers, body });
    if (begun.status !== 201) return;
    await send({
      method: 'PATCH',
      path: `/v1/datasets/${dataset}/archives/${JSON.parse(begun.text).id}`,
      headers: { 'content-type': 'application/offset+octet-stream', 'upload-offset': '0' },
      body: bytes,
      mayWait: true,
    });
    await send({ method: 'POST', path: `/v1/datasets/${dataset}/close` });
  },
});
