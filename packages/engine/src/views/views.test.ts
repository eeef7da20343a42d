import { type ImageResult, imageResult, occlusionSettings, planGrid } from '@umbra/shared';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { divergingColour } from './colour-map.js';
import { composeResult } from './compose.js';
import { decodeFloats, encodeFloats, encodeNpy } from './npy.js';

describe('npy', () => {
  test('the header is as NumPy writes it', () => {
    const bytes = encodeNpy(Float32Array.of(1, 2.5, -3, 0, 0, 4), [2, 3]);
    expect(bytes.subarray(0, 8).toString('latin1')).toBe('\u0093NUMPY\u0001\u0000');
    const length = bytes.readUInt16LE(8);
    expect((10 + length) % 64).toBe(0);
    const header = bytes.subarray(10, 10 + length).toString('latin1');
    expect(header.trimEnd()).toBe("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }");
    expect(header.endsWith('\n')).toBe(true);
    expect([...decodeFloats(bytes.subarray(10 + length))]).toEqual([1, 2.5, -3, 0, 0, 4]);
  });

  test('floats survive the way there and back', () => {
    const values = Float32Array.of(0, -0, 1e-45, 3.4e38, Number.NaN, 1 / 3);
    expect(Object.is(decodeFloats(encodeFloats(values))[1], -0)).toBe(true);
    expect([...decodeFloats(encodeFloats(values))]).toEqual([...values]);
  });
});

describe('colours', () => {
  const lightness = ([r, g, b]: readonly number[]) =>
    0.2126 * (r ?? 0) + 0.7152 * (g ?? 0) + 0.0722 * (b ?? 0);

  test('red supports, blue opposes, and lightness falls with size on both sides', () => {
    const [red, , redsBlue] = divergingColour(1);
    const [bluesRed, , blue] = divergingColour(-1);
    expect(red).toBeGreaterThan(redsBlue + 100);
    expect(blue).toBeGreaterThan(bluesRed + 100);
    for (const sign of [1, -1]) {
      for (let step = 1; step <= 20; step++) {
        const here = lightness(divergingColour((sign * step) / 20));
        expect(here).toBeLessThan(lightness(divergingColour((sign * (step - 1)) / 20)));
      }
    }
  });
});

describe('a composed result', () => {
  const settings = occlusionSettings.parse({ patch: 16, stride: 16 });
  const size = { height: 64, width: 64 };
  const grid = planGrid(size, settings.patch, settings.stride, settings.edge);
  /** One position matters: row 1, column 2. */
  const scores = new Float32Array(16).fill(0.8);
  scores[1 * 4 + 2] = 0.1;

  const compose = async (photoSize: { width: number; height: number }, flat = false) => {
    const photo = await sharp({ create: { ...photoSize, channels: 3, background: '#808080' } })
      .png()
      .toBuffer();
    return composeResult({
      photo,
      image: { id: 'img_00000000', name: 'grey.png', sha256: 'a'.repeat(64), ...photoSize },
      model: {
        digest: 'b'.repeat(64),
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
          output: 'logits',
          licence: 'none',
          source: 'none',
        },
      },
      settings,
      grid,
      scores: flat ? new Float32Array(16).fill(0.8) : scores,
      clean: {
        target: { index: 1, label: 'tabby & <friends>' },
        predicted: { index: 1, label: 'tabby & <friends>', probability: 0.8 },
        score: 0.8,
      },
      provenance: { backend: 'b', backendVersion: '1', device: 'cpu', umbraVersion: '0' },
    });
  };

  test('says where the score falls most', async () => {
    const files = await compose({ width: 64, height: 64 });
    const result: ImageResult = imageResult.parse(JSON.parse(files['result.json'].toString()));
    expect(result.lowest).toMatchObject({ row: 1, column: 2 });
    expect(result.lowest.score).toBeCloseTo(0.1, 6);
    expect(result.lowest.box).toEqual({ top: 16, left: 32, bottom: 32, right: 48 });
  });

  test('the overlay reddens that place of the photo, and dims what was cut away', async () => {
    const files = await compose({ width: 256, height: 128 });
    const { data, info } = await sharp(files['overlay.png'])
      .raw()
      .toBuffer({ resolveWithObject: true });
    expect([info.width, info.height]).toEqual([256, 128]);
    const at = (x: number, y: number) => [
      ...data.subarray((y * info.width + x) * info.channels).subarray(0, 3),
    ];
    // The frame is the central 128 px; the patch is at (32..48, 16..32) of 64.
    const [red = 0, green = 0] = at(64 + 80, 48);
    expect(red).toBeGreaterThan(green + 60);
    expect(at(64 + 10, 120)).toEqual([128, 128, 128]);
    expect(at(10, 64)[0]).toBeLessThan(80);
  });

  test('the heatmap holds the map, a bar and text; a flat map has no colour', async () => {
    const { 'heatmap.png': png } = await compose({ width: 64, height: 64 });
    const { width = 0, height = 0 } = await sharp(png).metadata();
    expect(width).toBeGreaterThan(448 + 100);
    expect(height).toBeGreaterThan(448 + 40);
    const { 'heatmap.png': flat } = await compose({ width: 64, height: 64 }, true);
    const middle = await sharp(flat)
      .extract({ left: 100, top: 200, width: 100, height: 100 })
      .raw()
      .toBuffer();
    expect(Math.min(...middle)).toBeGreaterThan(235);
  });
});
