import type { ModelBundle } from '@umbra/shared/contracts/model';
import { occlusionSettings } from '@umbra/shared/contracts/settings';
import sharp from 'sharp';
import { expect, test } from 'vitest';
import { prepareImage } from '../image/preprocess.js';
import { resolveRun } from './resolve-run.js';

const input: ModelBundle['input'] = {
  layout: 'NCHW',
  height: 64,
  width: 64,
  channels: 'RGB',
  scale: 1,
  mean: [0, 0, 0],
  std: [1, 1, 1],
  resize: { rule: 'fit', shorterSide: 64 },
  interpolation: 'bilinear',
};
const bundle = { name: 'any', output: { kind: 'logits' as const } };
const settings = occlusionSettings.parse({ patch: 8, stride: 1 });

test('a narrow photo is refused before a tensor is made of it', async () => {
  const blank = { width: 1, height: 60_000, channels: 3, background: '#369' } as const;
  const photo = await sharp({ create: blank }).png().toBuffer();
  expect(photo.length).toBeLessThan(10_000);
  const before = process.memoryUsage.rss();
  await expect(prepareImage(photo, input)).rejects.toThrow(
    'Expected an input of the model of at most 4194304 px (UMBRA_MAX_INPUT_PIXELS), got 3840000 x 64 px',
  );
  expect(process.memoryUsage.rss() - before).toBeLessThan(100e6);
  const limits = { maxPixels: 1e8, maxInputPixels: 64 * 640 };
  const wide = { ...input, resize: { rule: 'crop', shorterSide: 64 } } as const;
  expect((await prepareImage(photo, wide, limits)).tensor).toHaveLength(3 * 64 * 64);
});

test('an input or a number of positions beyond its limit is refused', () => {
  const resolve = (height: number, limits = {}) =>
    resolveRun(settings, bundle, { height, width: 1024 }, limits);
  expect(() => resolve(4097)).toThrow('got 4097 x 1024 px');
  expect(resolve(1024, { maxPositions: 1017 ** 2 }).plan.positions).toBe(1017 ** 2);
  expect(() => resolve(1024)).toThrow(
    'Expected at most 1000000 positions an image (UMBRA_MAX_POSITIONS), got 1034289: take a larger stride',
  );
  expect(() => resolve(1024, { maxInputPixels: 1023 * 1024 })).toThrow('at most 1047552 px');
});
