import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { channelCount } from '@umbra/shared/contracts/model';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { loadOnnxruntime } from '../backends/onnxruntime.js';
import { loadTfjs } from '../backends/tfjs.js';
import { planar } from '../image/layout.js';
import { readBundle } from '../models/bundle.js';
import { checkModel } from '../models/check.js';
import { describeFolder } from '../models/describe.js';
import { addModel } from '../models/registry.js';
import { toKeras2 } from './keras3.js';
import { openConvertedModel } from './open-converted.js';

const golden = fileURLToPath(new URL('../../../../test/golden/keras3', import.meta.url));
const side = 32;

let folder: string;
let scores: Record<string, number[][]>;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'umbra-keras3-'));
  const text = await readFile(join(golden, 'scores.json'), 'utf8');
  scores = z.record(z.string(), z.array(z.array(z.number()))).parse(JSON.parse(text));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** The two images of make.py. */
const imagesOf = (depth: number): Float32Array => {
  const length = side * side * depth;
  return Float32Array.from(
    { length: 2 * length },
    (_, index) => (((index * 37) % 256) * (1 + Math.floor(index / length))) % 256,
  );
};

test.each(['blocks', 'nested', 'sequential'])(
  '%s of Keras 3 is added, and scores as Keras 3.15.1 scores it',
  async (name) => {
    const source = join(folder, name);
    await cp(join(golden, name), source, { recursive: true });
    const output = name === 'blocks' ? undefined : 'logits';
    const staged = await describeFolder(source, { scale: 1, output });
    const { folder: path } = await addModel(join(folder, 'registry'), staged);
    expect((await checkModel(path)).filter(({ ok }) => ok !== true)).toEqual([]);
    const { bundle } = await readBundle(path);
    expect(bundle.input).toMatchObject({ height: side, channels: name === 'blocks' ? 'RGB' : 'L' });
    const depth = channelCount(bundle.input);
    const images = imagesOf(depth);
    const length = images.length / 2;
    const planes = Float32Array.from([
      ...planar(images.subarray(0, length), depth),
      ...planar(images.subarray(length), depth),
    ]);
    const converted = await openConvertedModel(path, bundle);
    if ('reason' in converted) throw new Error(converted.reason);
    const own = await loadTfjs(path, bundle, 'wasm');
    const options = { provider: 'cpu', sessionThreads: 1 } as const;
    const onnx = await loadOnnxruntime(converted.folder, converted.bundle, options);
    const expected = (scores[name] ?? []).flat();
    for (const found of [
      await own.run(images, 2, side, side),
      await onnx.run(planes, 2, side, side),
    ]) {
      expect(found).toHaveLength(expected.length);
      for (const [index, score] of expected.entries()) expect(found[index]).toBeCloseTo(score, 4);
    }
    await own.close();
    await onnx.close();
    await converted.close();
  },
);

test('a layer that reads another by keyword is refused', () => {
  const tensor = { class_name: '__keras_tensor__', config: { keras_history: ['mask', 0, 0] } };
  const layers = [{ class_name: 'Add', inbound_nodes: [{ args: [], kwargs: { other: tensor } }] }];
  expect(() => toKeras2({ keras_version: '3.0.0', layers })).toThrow(
    "got the output of 'mask' by keyword",
  );
});
