import { mustGet } from '@umbra/shared/assert';
import type { ModelBundle } from '@umbra/shared/contracts/model';
import { defaultOutputs } from '@umbra/shared/contracts/outputs';
import { imageResult, type ResultFile } from '@umbra/shared/contracts/result';
import { type OcclusionSettingsInput, occlusionSettings } from '@umbra/shared/contracts/settings';
import { inputSize, planFrame } from '@umbra/shared/occlusion/frame';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { defaultLimits } from '../image/decode.js';
import { inspectImage } from '../image/decoding.js';
import { planOcclusion } from '../occlusion/resolve-run.js';
import { decodeArrays } from './arrays.js';
import { composeResult } from './compose-result.js';
import { openFileMaker } from './make-file.js';
import { listResultFiles } from './result-files.js';

const input: ModelBundle['input'] = {
  ...{ layout: 'NCHW', height: 64, width: 64, channels: 'RGB', scale: 1 },
  ...{ mean: [0, 0, 0], std: [1, 1, 1], interpolation: 'bilinear' },
  resize: { rule: 'crop', shorterSide: 72 },
};
const bundle: ModelBundle = {
  ...{ version: 1, name: 'tiny', format: 'onnx', model: 'm', licence: 'none', source: 'none' },
  files: [{ path: 'm', sha256: 'c'.repeat(64), bytes: 1 }],
  ...{ input, output: { kind: 'logits' } },
};

/** Numbers of full precision, whose text in `result.json` must give them back to the bit. */
const noise = (index: number, seed: number) => Math.sin(index * 12.9898 + seed * 78.233) / 3 + 0.4;

const drawn = async (format: 'png' | 'jpeg', orientation?: number): Promise<Buffer> => {
  const [width, height] = [150, 90];
  const pixels = Buffer.from(Array.from({ length: width * height * 3 }, (_, at) => (at * 7) % 251));
  const photo = sharp(pixels, { raw: { width, height, channels: 3 } });
  return photo
    .withMetadata(orientation === undefined ? {} : { orientation })
    [format]()
    .toBuffer();
};

type Case = {
  readonly photo: Buffer;
  readonly settings?: OcclusionSettingsInput;
  readonly targets?: number;
  /** One position in so many was run. */
  readonly every?: number;
};

/** A run's result with every file, and what composes it. */
async function compose({ photo, settings: given = {}, targets = 1, every = 1 }: Case) {
  const settings = occlusionSettings.parse({ patch: 16, stride: 8, ...given });
  const { width, height } = await inspectImage(photo, defaultLimits);
  const plan = planOcclusion(inputSize(input, { width, height }), settings);
  const positions = Array.from({ length: plan.positions }, (_, index) => index);
  const labels = Array.from({ length: targets }, (_, at) => `class ${at} & <café>`);
  const composed = {
    ...{ photo, settings },
    image: { id: 'img_00000000', name: 'a.png', sha256: 'a'.repeat(64), width, height },
    model: { digest: 'b'.repeat(64), labels, bundle },
    run: {
      plan,
      scores: labels.map((_, target) => Float32Array.from(positions, (at) => noise(at, target))),
      predictedClasses: Int32Array.from(positions, (at) => (at % every === 0 ? at % 3 : -1)),
      baseline: {
        predicted: { index: 0, label: labels[0] ?? '', probability: 0.8 },
        targets: labels.map((label, index) => ({ index, label, score: 1 / (3 + index) })),
      },
      faithfulness: null,
    },
    provenance: {
      ...{ backend: 'b', backendVersion: '1', device: 'cpu', strategy: 'dense' as const },
      umbraVersion: '0',
    },
  };
  return { composed, photo, plan, files: await composeResult(composed) };
}

describe('a file that is made from stored scores', () => {
  test.each<[string, () => Promise<Case>]>([
    ['one target and one patch size', async () => ({ photo: await drawn('png') })],
    [
      'several targets and patch sizes',
      async () => ({
        photo: await drawn('png'),
        settings: { patch: [16, { height: 24, width: 12 }], score: 'log-odds' },
        targets: 3,
      }),
    ],
    ['a refined run', async () => ({ photo: await drawn('png'), every: 5 })],
    [
      'a photo that its camera turned',
      async () => ({ photo: await drawn('jpeg', 6), targets: 2, settings: { edge: 'valid' } }),
    ],
  ])('has the same bytes as a stored one, for %s', async (_, prepare) => {
    const { files, photo } = await compose(await prepare());
    const bytesOf = (file: ResultFile) => mustGet(files, file);
    // From here on, what the store has of the image, and no more.
    const result = imageResult.parse(JSON.parse(String(bytesOf('result.json'))));
    const plan = planOcclusion(result.input, result.settings);
    const patches = plan.grids.map(({ patch }) => patch);
    const entries = listResultFiles({ targets: result.targets.length, patches });
    const storedOf = (kind: string, grid: number) =>
      bytesOf(
        entries.find((entry) => entry.kind === kind && 'grid' in entry && entry.grid === grid)
          ?.file ?? 'result.json',
      );
    const { make } = openFileMaker({
      ...{ plan, settings: result.settings, approximate: result.approximate },
      targets: result.targets,
      arrays: decodeArrays(
        plan,
        result.targets.length,
        patches.map((_, grid) => ({
          scores: storedOf('scores', grid),
          predictedClasses: storedOf('predicted-classes', grid),
        })),
      ),
      readPhoto: async () => ({ photo, frame: planFrame(input, result.image) }),
    });
    expect(entries.map(({ file }) => file)).toEqual(result.files);
    expect([...files.keys()]).toEqual([...result.files, 'result.json']);
    for (const { file } of entries.toReversed()) {
      expect((await make(file)).equals(bytesOf(file)), file).toBe(true);
    }
    await expect(make('heatmap-9.png')).rejects.toMatchObject({ code: 'not_found' });
  });

  test('is not made once nobody waits for it', async () => {
    const { composed, photo } = await compose({ photo: await drawn('png'), targets: 2 });
    const { make } = openFileMaker({
      ...{ plan: composed.run.plan, settings: composed.settings, approximate: false },
      ...{ targets: composed.run.baseline.targets, arrays: composed.run },
      readPhoto: async () => ({ photo, frame: planFrame(input, composed.image) }),
    });
    const gone = AbortSignal.abort(new Error('gone'));
    await expect(make('attribution.npy', gone)).rejects.toThrow('gone');
  });

  test('is refused where the arrays are of another run', async () => {
    const { files, plan } = await compose({ photo: await drawn('png'), targets: 2 });
    const grid = {
      scores: mustGet(files, 'scores.npy'),
      predictedClasses: mustGet(files, 'predicted-classes.npy'),
    };
    expect(() => decodeArrays(plan, 1, [grid])).toThrowError(/Expected a NumPy array <f4/);
    const cut = { ...grid, scores: grid.scores.subarray(0, -4) };
    expect(() => decodeArrays(plan, 2, [cut])).toThrowError(/\[2, 9, 9\]|\[2, \d+, \d+\]/);
  });
});

test('a result has the files that are asked for, and lists the others', async () => {
  const { composed, files: all } = await compose({ photo: await drawn('png'), targets: 2 });
  const files = await composeResult({ ...composed, outputs: defaultOutputs });
  const result = imageResult.parse(JSON.parse(String(files.get('result.json'))));
  expect([...files.keys()]).toEqual([...result.files, 'result.json']);
  expect(result.files).toEqual([
    ...['heatmap.png', 'thumbnail.webp', 'heatmap-2.png', 'scores.npy', 'predicted-classes.npy'],
  ]);
  expect(result.onRequest).toEqual(['overlay.png', 'overlay-2.png', 'attribution.npy']);
  for (const name of result.files) {
    const file = name as ResultFile;
    expect(mustGet(files, file).equals(mustGet(all, file)), name).toBe(true);
  }
});
