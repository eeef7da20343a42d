import { divergingColour } from '@umbra/shared/colour-map';
import {
  type ImageResult,
  imageResult,
  isResultFile,
  type ResultFile,
} from '@umbra/shared/contracts/result';
import { occlusionSettings } from '@umbra/shared/contracts/settings';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { decodeFloats, decodeInts } from '../encoding/npy.js';
import { planOcclusion } from '../occlusion/resolve-run.js';
import { findFramed, readPicture, stripedLook } from '../testing/picture.js';
import { composeResult, type ResultArguments } from './compose-result.js';

describe('a composed result', () => {
  const settings = occlusionSettings.parse({ patch: 16, stride: 16 });
  const size = { height: 64, width: 64 };
  /** One position matters: row 1, column 2. */
  const scores = new Float32Array(16).fill(0.8);
  scores[1 * 4 + 2] = 0.1;

  const run = (values: Float32Array): ResultArguments['run'] => ({
    plan: planOcclusion(size, settings),
    scores: [values],
    predictedClasses: Int32Array.from(scores, (score) => (score < 0.5 ? 0 : 1)),
    baseline: {
      predicted: { index: 1, label: 'tabby & <friends>', probability: 0.8 },
      targets: [{ index: 1, label: 'tabby & <friends>', score: 0.8 }],
    },
    faithfulness: null,
  });

  const compose = async (
    photoSize: { width: number; height: number },
    given: Partial<ResultArguments> = {},
  ) => {
    const photo = await sharp({ create: { ...photoSize, channels: 3, background: '#808080' } })
      .png()
      .toBuffer();
    return composeResult({
      photo,
      image: { id: 'img_00000000', name: 'grey.png', sha256: 'a'.repeat(64), ...photoSize },
      model: {
        digest: 'b'.repeat(64),
        labels: ['dog', 'tabby & <friends>'],
        bundle: {
          version: 1,
          name: 'tiny',
          format: 'onnx',
          files: [{ path: 'm', sha256: 'c'.repeat(64), bytes: 1 }],
          model: 'm',
          input: {
            layout: 'NCHW',
            ...size,
            channels: 'RGB',
            scale: 1,
            mean: [0, 0, 0],
            std: [1, 1, 1],
            resize: { rule: 'crop', shorterSide: 64 },
            interpolation: 'bilinear',
          },
          output: { kind: 'logits' },
          licence: 'none',
          source: 'none',
        },
      },
      settings,
      run: run(scores),
      provenance: {
        backend: 'b',
        backendVersion: '1',
        device: 'cpu',
        strategy: 'dense',
        umbraVersion: '0',
      },
      ...given,
    });
  };

  test('names the position of the lowest score', async () => {
    const files = await compose({ width: 64, height: 64 });
    const result: ImageResult = imageResult.parse(JSON.parse(String(files.get('result.json'))));
    const lowest = result.targets[0]?.lowest;
    expect(lowest).toMatchObject({ grid: 0, row: 1, column: 2 });
    expect(lowest?.score).toBeCloseTo(0.1, 6);
    expect(lowest?.box).toEqual({ top: 16, left: 32, bottom: 32, right: 48 });
    expect(lowest?.photoBox).toEqual(lowest?.box);
    // All of the positive attribution lies under that patch, inside the border.
    expect(result.targets[0]?.borderShare).toBe(0);
    expect([result.isRight, result.top]).toEqual([null, undefined]);
    expect(result.grids).toMatchObject([
      { computed: 16, flips: [{ index: 0, label: 'dog', positions: [6] }] },
    ]);
    expect(result.files).toEqual([...files.keys()].filter((name) => name !== 'result.json'));
  });

  test('says whether the label is right, and the most probable classes', async () => {
    const image = { id: 'img_00000000', name: 'a.png', sha256: 'a'.repeat(64), label: 'DOG' };
    const base = run(scores);
    const top = [{ index: 1, label: 'tabby & <friends>', probability: 0.8 }];
    const files = await compose(
      { width: 128, height: 128 },
      {
        image: { ...image, width: 128, height: 128 },
        run: { ...base, baseline: { ...base.baseline, top } },
      },
    );
    const result = imageResult.parse(JSON.parse(String(files.get('result.json'))));
    expect(result).toMatchObject({ version: 5, image: { label: 'DOG' }, isRight: false });
    expect(result.top).toEqual(top);
    expect(result.targets[0]?.lowest.photoBox).toEqual({
      top: 32,
      left: 64,
      bottom: 64,
      right: 96,
    });
  });

  test('flips from and to no class, where classes are independent', async () => {
    const below = run(scores);
    const predictedClasses = new Int32Array(16).fill(-2);
    predictedClasses[3] = 0;
    const predicted = { ...below.baseline.predicted, aboveThreshold: false };
    const none = await compose(
      { width: 64, height: 64 },
      { run: { ...below, predictedClasses, baseline: { ...below.baseline, predicted } } },
    );
    const result: ImageResult = imageResult.parse(JSON.parse(String(none.get('result.json'))));
    expect(result.predicted.aboveThreshold).toBe(false);
    expect(result.approximate).toBe(false);
    expect(result.grids).toMatchObject([
      { computed: 16, flips: [{ index: 0, label: 'dog', positions: [3] }] },
    ]);
    const some = await compose(
      { width: 64, height: 64 },
      { run: { ...below, predictedClasses: new Int32Array(16).fill(1).fill(-2, 14) } },
    );
    expect(JSON.parse(String(some.get('result.json'))).grids[0].flips).toEqual([
      { index: null, label: 'no class', positions: [14, 15] },
    ]);
  });

  test('has an axis, a file or a picture more for several targets and patch sizes', async () => {
    const settings = occlusionSettings.parse({
      patch: [16, { height: 32, width: 16 }],
      stride: 16,
      target: { kind: 'top', k: 2 },
    });
    const plan = planOcclusion(size, settings);
    const both = Float32Array.from({ length: plan.positions }, (_, at) => at / 40);
    const predictedClasses = new Int32Array(plan.positions).fill(1).fill(-1, 20);
    const files = await compose(
      { width: 64, height: 64 },
      {
        settings,
        run: {
          plan,
          scores: [both, both.map((score) => 1 - score)],
          predictedClasses,
          baseline: {
            predicted: { index: 1, label: 'cat', probability: 0.8 },
            targets: [
              { index: 1, label: 'cat', score: 0.8 },
              { index: 0, label: 'dog', score: 0.2 },
            ],
          },
          faithfulness: [1, 2].map((at) => ({
            deletion: at / 10,
            insertion: at / 5,
            pointingGame: null,
          })),
        },
      },
    );
    expect([...files.keys()].sort()).toEqual([
      'attribution-16x16.npy',
      'attribution-32x16.npy',
      'attribution.npy',
      'heatmap-2.png',
      'heatmap.png',
      'overlay-2.png',
      'overlay.png',
      'predicted-classes-16x16.npy',
      'predicted-classes-32x16.npy',
      'result.json',
      'scores-16x16.npy',
      'scores-32x16.npy',
      'thumbnail.webp',
    ]);
    expect([...files.keys()].every(isResultFile)).toBe(true);
    const read = (name: ResultFile) => {
      const bytes = files.get(name) ?? Buffer.alloc(0);
      const end = 10 + bytes.readUInt16LE(8);
      const shape = /'shape': \((.*?)\)/.exec(bytes.subarray(10, end).toString())?.[1];
      return { shape, data: bytes.subarray(end) };
    };
    expect(read('scores-16x16.npy').shape).toBe('2, 4, 4');
    expect(read('scores-32x16.npy').shape).toBe('2, 3, 4');
    expect(read('predicted-classes-32x16.npy').shape).toBe('3, 4');
    expect(decodeInts(read('predicted-classes-32x16.npy').data)[11]).toBe(-1);
    expect([...decodeFloats(read('scores-32x16.npy').data)].slice(0, 12)).toEqual([
      ...both.subarray(16),
    ]);
    const [mean, one, other] = (
      ['attribution.npy', 'attribution-16x16.npy', 'attribution-32x16.npy'] as const
    ).map((name) => decodeFloats(read(name).data));
    expect(mean).toHaveLength(2 * 64 * 64);
    for (const at of [0, 1000, 5000, 8191]) {
      expect(mean?.[at]).toBeCloseTo(((one?.[at] ?? 0) + (other?.[at] ?? 0)) / 2, 6);
    }
    const result = imageResult.parse(JSON.parse(String(files.get('result.json'))));
    expect(result).toMatchObject({
      approximate: true,
      grids: [{ computed: 16 }, { patch: { height: 32, width: 16 }, rows: 3, computed: 4 }],
      targets: [
        { label: 'cat', heatmap: 'heatmap.png', lowest: { grid: 0, row: 0, column: 0 } },
        { label: 'dog', heatmap: 'heatmap-2.png', lowest: { grid: 1, row: 2, column: 3 } },
      ],
    });
    expect(result.targets[1]?.faithfulness).toEqual({
      deletion: 0.2,
      insertion: 0.4,
      pointingGame: null,
    });
  });

  test('has an overlay that reddens that place of the photo, and dims what was cut away', async () => {
    const files = await compose({ width: 1024, height: 512 });
    const picture = await readPicture(files.get('overlay.png') ?? Buffer.alloc(0));
    const { left, top } = findFramed(picture);
    const thumbnail = await sharp(files.get('thumbnail.webp')).metadata();
    expect(thumbnail).toMatchObject({ format: 'webp', width: 128, height: 64 });
    const at = (x: number, y: number) => picture.at(left + x, top + y);
    // The frame is the central 512 px; the patch is at (32..48, 16..32) of 64.
    const [red = 0, green = 0] = at(256 + 320, 192);
    expect(red).toBeGreaterThan(green + 60);
    expect(at(256 + 40, 480)).toEqual([128, 128, 128]);
    expect(at(40, 256)[0]).toBeLessThan(80);
  });

  test('tells what no patch covered in its pictures, and has 0 there in its array', async () => {
    const valid = occlusionSettings.parse({ patch: 24, stride: 24, edge: 'valid' });
    const given = run(new Float32Array(4).fill(0.8));
    const files = await compose(
      { width: 64, height: 64 },
      {
        settings: valid,
        run: {
          ...given,
          plan: planOcclusion(size, valid),
          predictedClasses: new Int32Array(4).fill(1),
        },
      },
    );
    const array = files.get('attribution.npy') ?? Buffer.alloc(0);
    const values = decodeFloats(array.subarray(array.length - 64 * 64 * 4));
    expect([values[63], values[64 * 63]]).toEqual([0, 0]);
    const heatmap = await readPicture(files.get('heatmap.png') ?? Buffer.alloc(0));
    const { left, top } = findFramed(heatmap);
    const seen = (x: number) =>
      new Set(Array.from({ length: 16 }, (_, at) => String(heatmap.at(left + x + at, top + 200))));
    // 48 of 64 px are covered.
    expect(seen((448 * 50) / 64)).toEqual(stripedLook);
    expect(seen((448 * 40) / 64)).toEqual(new Set([String(divergingColour(0))]));
    const overlay = await readPicture(files.get('overlay.png') ?? Buffer.alloc(0));
    const corner = findFramed(overlay);
    const levels = Array.from({ length: 16 }, (_, at) =>
      overlay.at(corner.left + 400 + at, corner.top + 200),
    );
    expect(new Set(levels.map(String)).size).toBe(3);
  });

  test('has overlays as strong as they are asked to be', async () => {
    const redAt = async (opacity?: number) => {
      const given = opacity === undefined ? {} : { opacity };
      const files = await compose({ width: 512, height: 512 }, given);
      const picture = await readPicture(files.get('overlay.png') ?? Buffer.alloc(0));
      const { left, top } = findFramed(picture);
      const [red = 0, green = 0] = picture.at(left + 320, top + 192);
      return red - green;
    };
    const [none, usual, asUsual, most] = [
      await redAt(0),
      await redAt(),
      await redAt(0.8),
      await redAt(1),
    ];
    expect(none).toBe(0);
    expect(asUsual).toBe(usual);
    expect(most).toBeGreaterThan(usual + 10);
  });

  test('has a heatmap with a map, a bar and text, and no colour where all scores are equal', async () => {
    const png = (await compose({ width: 64, height: 64 })).get('heatmap.png');
    const { width = 0, height = 0 } = await sharp(png).metadata();
    expect(width).toBeGreaterThan(448 + 100);
    expect(height).toBeGreaterThan(448 + 40);
    const even = run(new Float32Array(16).fill(0.8));
    const flat = (await compose({ width: 64, height: 64 }, { run: even })).get('heatmap.png');
    const middle = await sharp(flat)
      .extract({ left: 100, top: 200, width: 100, height: 100 })
      .raw()
      .toBuffer();
    expect(Math.min(...middle)).toBeGreaterThan(235);
  });
});
