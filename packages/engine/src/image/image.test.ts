import type { ModelBundle } from '@umbra/shared/contracts/model';
import { inputSize, planFrame } from '@umbra/shared/occlusion/frame';
import fc from 'fast-check';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { regionOf } from '../figures/overlay.js';
import { hugePng } from '../testing/huge-png.js';
import { inspectImage } from './decode.js';
import { prepareImage } from './preprocess.js';

const limits = { maxPixels: 1_000_000 };

/** Identity normalisation, so that the tensor holds the pixels themselves. */
const identity = (size: number): ModelBundle['input'] => ({
  layout: 'NHWC',
  height: size,
  width: size,
  channels: 'RGB',
  scale: 1,
  mean: [0, 0, 0],
  std: [1, 1, 1],
  resize: { rule: 'squash' },
  interpolation: 'bilinear',
});

/** Four colours, one a quarter, so that every turn and mirror looks different. */
const quarters = [
  [255, 0, 0],
  [0, 255, 0],
  [0, 0, 255],
  [255, 255, 255],
] as const;

function drawQuarters(size: number) {
  const pixels = Buffer.alloc(size * size * 3);
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const quarter = quarters[(y < size / 2 ? 0 : 2) + (x < size / 2 ? 0 : 1)] ?? [0, 0, 0];
      pixels.set(quarter, (y * size + x) * 3);
    }
  }
  return sharp(pixels, { raw: { width: size, height: size, channels: 3 } });
}

async function pixelsOf(photo: Buffer, size: number): Promise<number[][]> {
  const { tensor } = await prepareImage(photo, identity(size));
  const at = (y: number, x: number) => [
    ...tensor.slice((y * size + x) * 3, (y * size + x) * 3 + 3),
  ];
  const [near, far] = [Math.floor(size / 4), Math.floor((3 * size) / 4)];
  return [at(near, near), at(near, far), at(far, near), at(far, far)];
}

describe('every kind of file decodes to upright RGB', () => {
  /** Stored quarters of each EXIF orientation, in the order that they are seen in. */
  const seen = [
    [0, 1, 2, 3],
    [1, 0, 3, 2],
    [3, 2, 1, 0],
    [2, 3, 0, 1],
    [0, 2, 1, 3],
    [2, 0, 3, 1],
    [3, 1, 2, 0],
    [1, 3, 0, 2],
  ];
  test.each(seen.map((order, index) => ({ orientation: index + 1, order })))(
    'with EXIF orientation $orientation',
    async ({ orientation, order }) => {
      const photo = await drawQuarters(32).withMetadata({ orientation }).png().toBuffer();
      const found = await pixelsOf(photo, 32);
      expect(found).toEqual(order.map((quarter) => [...(quarters[quarter] ?? [])]));
    },
  );

  test('with white for transparent pixels', async () => {
    const photo = await sharp({
      create: { width: 8, height: 8, channels: 4, background: { r: 255, g: 0, b: 0, alpha: 0 } },
    })
      .png()
      .toBuffer();
    expect((await pixelsOf(photo, 8))[0]).toEqual([255, 255, 255]);
  });

  test('from greyscale', async () => {
    const photo = await sharp(Buffer.alloc(64, 100), { raw: { width: 8, height: 8, channels: 1 } })
      .toColourspace('b-w')
      .png()
      .toBuffer();
    expect((await sharp(photo).metadata()).channels).toBe(1);
    expect((await pixelsOf(photo, 8))[0]).toEqual([100, 100, 100]);
  });

  test('from 16 bits a channel', async () => {
    const samples = new Uint16Array(8 * 8 * 3).map(
      (_, index) => [40_000, 20_000, 257][index % 3] ?? 0,
    );
    const photo = await sharp(samples, { raw: { width: 8, height: 8, channels: 3 } })
      .toColourspace('rgb16')
      .png()
      .toBuffer();
    expect((await sharp(photo).metadata()).depth).toBe('ushort');
    const [pixel = []] = await pixelsOf(photo, 8);
    for (const [index, value] of [40_000, 20_000, 257].entries()) {
      expect(Math.abs((pixel[index] ?? 0) - value / 257)).toBeLessThanOrEqual(1);
    }
  });

  test('from CMYK', async () => {
    const photo = await drawQuarters(32).toColourspace('cmyk').jpeg({ quality: 100 }).toBuffer();
    expect((await sharp(photo).metadata()).space).toBe('cmyk');
    const [red = [], green = [], blue = []] = await pixelsOf(photo, 32);
    for (const [colour, channel] of [
      [red, 0],
      [green, 1],
      [blue, 2],
    ] as const) {
      expect(Math.max(...colour)).toBe(colour[channel]);
    }
  });

  test('from CMYK by the profile in the file', async () => {
    const background = { r: 150, g: 110, b: 90 };
    const photo = await sharp({ create: { width: 16, height: 16, channels: 3, background } })
      .withIccProfile('cmyk')
      .toColourspace('cmyk')
      .jpeg({ quality: 100 })
      .toBuffer();
    expect((await sharp(photo).metadata()).hasProfile).toBe(true);
    const [pixel = []] = await pixelsOf(photo, 16);
    // By LittleCMS of Pillow 13.0, perceptual; its plain conversion gives 141, 85, 61.
    for (const [channel, value] of [149, 103, 71].entries()) {
      expect(Math.abs((pixel[channel] ?? 0) - value)).toBeLessThanOrEqual(2);
    }
  });

  test('in the channel order and layout of the bundle', async () => {
    const photo = await drawQuarters(2).png().toBuffer();
    const planar = await prepareImage(photo, { ...identity(2), layout: 'NCHW', channels: 'BGR' });
    expect([...planar.tensor]).toEqual([0, 0, 255, 255, 0, 255, 0, 255, 255, 0, 0, 255]);
  });
});

describe('inspecting a file', () => {
  const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"></svg>';
  const jpeg = () => drawQuarters(64).jpeg().toBuffer();
  test.each([
    ['an empty file', async () => Buffer.alloc(0), 'got an empty file'],
    ['a drawing', async () => Buffer.from(svg), 'got SVG'],
    ['text', async () => Buffer.from('not an image at all'), 'Expected an image (JPEG'],
    ['a JPEG that ends early', async () => (await jpeg()).subarray(0, -40), 'cannot be decoded'],
    ['a bomb', async () => hugePng(50_000, 50_000), 'got 50000 x 50000 px'],
  ])('refuses %s', async (_name, make, message) => {
    await expect(inspectImage(await make(), limits)).rejects.toMatchObject({
      code: 'invalid_input',
      message: expect.stringContaining(message) as string,
    });
  });

  /** A TIFF of 2 x 2 px: samples of a kind that no encoder here writes. */
  const tiff = (photometric: number, sampleFormat: number, samples: Buffer, bits: number) => {
    const channels = samples.length / (bits / 8) / 4;
    const tags = [
      [256, 3, 1, 2],
      [257, 3, 1, 2],
      [258, 3, 1, bits],
      [262, 3, 1, photometric],
      [273, 4, 1, 150],
      [277, 3, 1, channels],
      [278, 3, 1, 2],
      [279, 4, 1, samples.length],
      [339, 3, 1, sampleFormat],
    ] as const;
    const head = Buffer.alloc(150);
    head.write('II*\0', 'latin1');
    head.writeUInt32LE(8, 4);
    head.writeUInt16LE(tags.length, 8);
    for (const [index, [tag, type, count, value]] of tags.entries()) {
      const entry = 10 + 12 * index;
      head.writeUInt16LE(tag, entry);
      head.writeUInt16LE(type, entry + 2);
      head.writeUInt32LE(count, entry + 4);
      head.writeUInt32LE(value, entry + 8);
    }
    return Buffer.concat([head, samples]);
  };
  const heic = Buffer.from('000000186674797068656963000000006d69663168656963', 'hex');

  test.each([
    ['HEIC', heic, "got HEIC: convert it to PNG or JPEG, as with 'heif-convert"],
    ['tar.bz2', Buffer.from('BZh91AY&SY'), 'got bzip2: pack the images as zip, tar or tar.gz'],
    ['7z', Buffer.from('377abcaf271c0004', 'hex'), 'got 7z: pack the images as'],
    ['a TIFF of Lab', tiff(8, 1, Buffer.alloc(12, 90), 8), 'got a TIFF of CIELab: save it as RGB'],
    [
      'a TIFF of floats',
      tiff(1, 3, Buffer.from(Float32Array.of(0, 0.3, 0.6, 1).buffer), 32),
      'got float of 32 bits, whose range the file does not tell',
    ],
    [
      'a TIFF of signed integers',
      tiff(1, 2, Buffer.from(Int16Array.of(0, 1, 2, -3).buffer), 16),
      'got short of 16 bits',
    ],
  ])('says that %s is not supported, rather than broken', async (_name, file, message) => {
    const inspected = inspectImage(file, limits);
    await expect(inspected).rejects.toMatchObject({ code: 'invalid_input' });
    await expect(inspected).rejects.toThrow(message);
  });

  test('takes AVIF', async () => {
    const photo = await drawQuarters(32).avif({ lossless: true }).toBuffer();
    expect(await inspectImage(photo, limits)).toMatchObject({ width: 32, format: 'heif' });
  });

  test('reports the upright extent of a good one', async () => {
    const photo = await sharp({ create: { width: 20, height: 10, channels: 3, background: 'red' } })
      .withMetadata({ orientation: 6 })
      .jpeg()
      .toBuffer();
    expect(await inspectImage(photo, limits)).toEqual({ width: 10, height: 20, format: 'jpeg' });
  });
});

describe('a frame', () => {
  test('cuts the centre for crop, and keeps the aspect for fit but not for squash', () => {
    const photo = { height: 300, width: 451 };
    const size = { height: 224, width: 224 };
    const crop = planFrame({ ...size, resize: { rule: 'crop', shorterSide: 256 } }, photo);
    expect(crop.resized).toEqual({ height: 256, width: 384 });
    expect(crop.crop).toEqual({ top: 16, left: 80, bottom: 240, right: 304 });
    expect(inputSize({ ...size, resize: { rule: 'fit', shorterSide: 224 } }, photo)).toEqual({
      height: 224,
      width: 336,
    });
    expect(inputSize({ ...size, resize: { rule: 'squash' } }, photo)).toEqual(size);
  });

  test('is refused where the resized photo cannot hold the crop', () => {
    const resize = { rule: 'crop', shorterSide: 64 } as const;
    const plan = () => planFrame({ height: 96, width: 96, resize }, { height: 110, width: 120 });
    expect(plan).toThrow('96 x 96 px (height x width), got a photo of 64 x 69 px');
  });

  test('lies inside every drawing of the photo, with its own aspect', () => {
    const side = fc.integer({ min: 30, max: 5000 });
    fc.assert(
      fc.property(side, side, (height, width) => {
        const resize = { rule: 'crop', shorterSide: 256 } as const;
        const frame = planFrame({ height: 224, width: 224, resize }, { height, width });
        const region = regionOf(frame, { height, width });
        expect(region.left + region.width).toBeLessThanOrEqual(width);
        expect(region.top + region.height).toBeLessThanOrEqual(height);
        const shown = (224 / 256) * Math.min(height, width);
        expect(Math.abs(region.width - shown)).toBeLessThanOrEqual(1 + shown / 100);
        expect(Math.abs(region.height - shown)).toBeLessThanOrEqual(1 + shown / 100);
      }),
    );
  });
});
