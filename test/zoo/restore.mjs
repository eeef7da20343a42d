// Writes the model files of the zoo's networks: see README.md. For the tests and for the benchmark.
import { mkdir, open, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { z } from 'zod';

const here = import.meta.dirname;

const network = z.object({
  name: z.string(),
  /** The file that is added: an ONNX file, or TensorFlow.js's model.json. */
  file: z.string(),
  scale: z.number(),
  mean: z.array(z.number()),
  std: z.array(z.number()),
  channels: z.string().optional(),
  /** Multiply-adds of one image, by fvcore or by hand: see make.py. */
  macs: z.int(),
});
/** @typedef {z.infer<typeof network>} ZooNetwork */

/** @returns {Promise<ZooNetwork[]>} every network of the zoo */
export async function listNetworks() {
  return z.array(network).parse(JSON.parse(await readFile(join(here, 'networks.json'), 'utf8')));
}

const packed = z.strictObject({
  files: z
    .array(
      z.strictObject({ path: z.string(), bytes: z.int().min(1), sha256: z.string().length(64) }),
    )
    .min(1),
  /**
   * Stretches of the files, one after another, that hold a float32 tensor each: bytes before it,
   * values, and the middle and half width of their uniform distribution.
   */
  holes: z.array(z.tuple([z.int().min(0), z.int().min(1), z.number(), z.number().min(0)])),
});
/** @typedef {z.infer<typeof packed>} PackedNetwork */

/** Values generated at a time: a tensor may have a hundred million. */
const maxValues = 1 << 20;
const unpack = promisify(gunzip);

/**
 * Writes a network's files, the same bytes on every machine.
 *
 * @param {string} name
 * @param {string} folder where the files go
 * @returns {Promise<PackedNetwork['files']>} what the files must be
 */
export async function restoreNetwork(name, folder) {
  const read = async (/** @type {string} */ end) =>
    unpack(await readFile(join(here, 'networks', `${name}.${end}.gz`)));
  const { files, holes } = packed.parse(JSON.parse((await read('json')).toString('utf8')));
  const pieces = piecesOf(holes, await read('bin'));
  /** @type {Uint8Array} */
  let rest = new Uint8Array(0);
  for (const { path, bytes } of files) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    const file = await open(join(folder, path), 'w');
    try {
      for (let written = 0; written < bytes; ) {
        if (rest.length === 0) rest = nextOf(pieces);
        const part = rest.subarray(0, bytes - written);
        rest = rest.subarray(part.length);
        await file.writeFile(part);
        written += part.length;
      }
    } finally {
      await file.close();
    }
  }
  return files;
}

/** @param {Generator<Uint8Array, void>} pieces */
function nextOf(pieces) {
  const { value } = pieces.next();
  if (value === undefined) throw new Error('Expected as many bytes as the files have, got fewer');
  return value;
}

/**
 * The bytes of all files in order: those that were kept, and generated tensors between them.
 *
 * @param {PackedNetwork['holes']} holes
 * @param {Uint8Array} kept
 * @returns {Generator<Uint8Array, void>}
 */
function* piecesOf(holes, kept) {
  let keptBytes = 0;
  let position = 0;
  for (const [seed, [offset, count, mean, width]] of holes.entries()) {
    yield kept.subarray(keptBytes, keptBytes + offset - position);
    keptBytes += offset - position;
    for (let start = 0; start < count; start += maxValues) {
      const values = new Float32Array(Math.min(maxValues, count - start));
      generate(values, { seed, start, mean, width });
      yield new Uint8Array(values.buffer);
    }
    position = offset + 4 * count;
  }
  yield kept.subarray(keptBytes);
}

/**
 * Fills in values of a tensor from index `start` on: `mean + width * (2 u - 1)`, rounded to float32 once.
 *
 * u is a 32-bit hash of the value's index and the seed, Chris Wellons's lowbias32, divided by 2^32.
 *
 * @param {Float32Array} values
 * @param {{ seed: number, start: number, mean: number, width: number }} distribution
 */
function generate(values, { seed, start, mean, width }) {
  const first = start + Math.imul(seed, 0x9e3779b9);
  for (let index = 0; index < values.length; index++) {
    let hash = (first + index) | 0;
    hash = Math.imul(hash ^ (hash >>> 16), 0x7feb352d);
    hash = Math.imul(hash ^ (hash >>> 15), 0x846ca68b);
    hash ^= hash >>> 16;
    values[index] = mean + width * ((hash >>> 0) / 2_147_483_648 - 1);
  }
}
