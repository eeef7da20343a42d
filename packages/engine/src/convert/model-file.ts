import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { ModelBundle } from '@umbra/shared/contracts/model';
import { integrity } from '@umbra/shared/errors';
import { z } from 'zod';
import { halfFloat } from '../graph/half-float.js';
import { isKeras3, keras2WeightNames, toKeras2 } from './keras3.js';

/** Quantization of a weight: its numbers are `value * scale + min`. */
const quantization = z.object({
  dtype: z.enum(['uint8', 'uint16', 'float16']),
  scale: z.number().optional(),
  min: z.number().optional(),
});
const weightSpec = z.object({
  name: z.string(),
  shape: z.array(z.int().min(0)),
  dtype: z.string(),
  quantization: quantization.optional(),
});
/** Name of a shard, as a bundle lists files: beside the model, never elsewhere. */
const shardName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, 'Expected the name of a file beside it');

/** An output that a graph model's signature states; an extent of -1 is open. */
const signedOutput = z.object({
  name: z.string(),
  tensorShape: z
    .object({ dim: z.array(z.object({ size: z.coerce.number().optional() })).optional() })
    .optional(),
});

const modelJson = z.object({
  format: z.string().optional(),
  modelTopology: z.record(z.string(), z.unknown()),
  /** Outputs of a graph model, by name. */
  signature: z.object({ outputs: z.record(z.string(), signedOutput).optional() }).optional(),
  weightsManifest: z.array(z.object({ paths: z.array(shardName), weights: z.array(weightSpec) })),
});

export type TfjsWeight = z.output<typeof weightSpec> & {
  /** The shards of its group, and its stretch in all of them joined. */
  readonly paths: readonly string[];
  readonly offset: number;
  readonly bytes: number;
};

/** `model.json`, with weights located rather than read. */
export type TfjsModel = {
  readonly topology: Readonly<Record<string, unknown>>;
  /** The whole file, for the runtime's own loader. */
  readonly json: z.output<typeof modelJson>;
  readonly weights: ReadonlyMap<string, TfjsWeight>;
  readonly shards: readonly string[];
};

/** Bytes of one number, by TensorFlow's name of its type. */
const bytesOf: Readonly<Record<string, number>> = {
  float32: 4,
  int32: 4,
  uint16: 2,
  float16: 2,
  uint8: 1,
  bool: 1,
};

/**
 * Read a TensorFlow.js model's description and compare its shards with it.
 *
 * @throws {AppError} `integrity` if it is no such file, a shard is not there or not listed, or the
 *   shards hold fewer bytes than the weights need.
 */
export async function readTfjsModel(folder: string, file: string): Promise<TfjsModel> {
  const json = inKeras2(parse(await readFile(join(folder, file), 'utf8'), file));
  const weights = new Map<string, TfjsWeight>();
  for (const { paths, weights: specs } of json.weightsManifest) {
    let offset = 0;
    for (const spec of specs) {
      const width = bytesOf[spec.quantization?.dtype ?? spec.dtype];
      if (width === undefined) {
        throw integrity(
          `Expected weight '${spec.name}' in '${file}' to hold numbers, got ${spec.dtype}`,
        );
      }
      const bytes = spec.shape.reduce((product, extent) => product * extent, 1) * width;
      weights.set(spec.name, { ...spec, paths, offset, bytes });
      offset += bytes;
    }
    await checkShards(folder, file, paths, offset);
  }
  const shards = json.weightsManifest.flatMap(({ paths }) => paths);
  return { topology: json.modelTopology, json, weights, shards };
}

/** Describe a model that Keras 3 wrote as Keras 2 does. */
function inKeras2(json: z.output<typeof modelJson>): z.output<typeof modelJson> {
  const { modelTopology, weightsManifest } = json;
  if (!isKeras3(modelTopology)) return json;
  const nameOf = keras2WeightNames(modelTopology);
  return {
    ...json,
    modelTopology: toKeras2(modelTopology),
    weightsManifest: weightsManifest.map((group) => ({
      ...group,
      weights: group.weights.map((weight) => ({ ...weight, name: nameOf(weight.name) })),
    })),
  };
}

function parse(text: string, file: string): z.output<typeof modelJson> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw integrity(
      `Expected '${file}' to be JSON, the description of a TensorFlow.js model`,
      error,
    );
  }
  const parsed = modelJson.safeParse(value);
  if (parsed.success) return parsed.data;
  const [{ path, message } = { path: [], message: '' }] = parsed.error.issues;
  throw integrity(
    `Expected '${file}' to describe a TensorFlow.js model (modelTopology, weightsManifest): ${path.join('.')}: ${message}`,
  );
}

async function checkShards(
  folder: string,
  file: string,
  paths: readonly string[],
  wanted: number,
): Promise<void> {
  let found = 0;
  for (const path of paths) {
    const info = await stat(join(folder, path)).catch((error: unknown) => {
      throw integrity(`Expected shard '${path}' of '${file}' beside it`, error);
    });
    found += info.size;
  }
  if (found === wanted) return;
  throw integrity(
    `Expected ${wanted} bytes of weights in ${paths.join(', ')}, as '${file}' says, got ${found}`,
  );
}

/**
 * Check that a bundle lists every shard, so that each has a digest.
 *
 * @throws {AppError} `integrity` if it does not.
 */
export function assertListed({ shards }: TfjsModel, { files, name }: ModelBundle): void {
  const listed = new Set(files.map(({ path }) => path));
  const missing = shards.find((shard) => !listed.has(shard));
  if (missing === undefined) return;
  throw integrity(`Expected shard '${missing}' in the files that bundle '${name}' lists`);
}

/** Read all bytes of the shards, in the order of the manifest, for the runtime's own loader. */
export async function readShards(folder: string, { shards }: TfjsModel): Promise<ArrayBuffer> {
  const sizes = await Promise.all(
    shards.map(async (path) => (await stat(join(folder, path))).size),
  );
  const all = new Uint8Array(sizes.reduce((sum, size) => sum + size, 0));
  let at = 0;
  for (const path of shards) {
    for await (const chunk of createReadStream(join(folder, path))) {
      all.set(chunk as Buffer, at);
      at += (chunk as Buffer).length;
    }
  }
  return all.buffer;
}

/** Read one weight's numbers, in TensorFlow's order of axes, as float32. */
export async function readTfjsWeight(folder: string, weight: TfjsWeight): Promise<Float32Array> {
  const bytes = Buffer.alloc(weight.bytes);
  let start = 0;
  for (const path of weight.paths) {
    const { size } = await stat(join(folder, path));
    const from = Math.max(0, weight.offset - start);
    const to = Math.min(size, weight.offset + weight.bytes - start);
    if (from < to) {
      let at = start + from - weight.offset;
      for await (const chunk of createReadStream(join(folder, path), {
        start: from,
        end: to - 1,
      })) {
        at += (chunk as Buffer).copy(bytes, at);
      }
    }
    start += size;
  }
  return decode(bytes, weight);
}

function decode(bytes: Buffer, { dtype, quantization: small }: TfjsWeight): Float32Array {
  const { scale = 1, min = 0 } = small ?? {};
  switch (small?.dtype ?? dtype) {
    case 'uint8':
    case 'bool':
      return Float32Array.from(bytes, (value) => value * scale + min);
    case 'uint16':
      return decodeEach(bytes, 2, (at) => bytes.readUInt16LE(at) * scale + min);
    case 'float16':
      return decodeEach(bytes, 2, (at) => halfFloat(bytes.readUInt16LE(at)));
    case 'int32':
      return decodeEach(bytes, 4, (at) => bytes.readInt32LE(at));
    default:
      return decodeEach(bytes, 4, (at) => bytes.readFloatLE(at));
  }
}

const decodeEach = (bytes: Buffer, width: number, read: (at: number) => number): Float32Array =>
  Float32Array.from({ length: bytes.length / width }, (_, at) => read(at * width));
