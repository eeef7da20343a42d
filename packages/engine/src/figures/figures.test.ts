import { divergingColour } from '@umbra/shared/colour-map';
import { planFrame } from '@umbra/shared/occlusion/frame';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { findFramed, type Picture, readPicture, stripedLook } from '../testing/picture.js';
import { renderHeatmap } from './heatmap.js';
import { renderOverlay, renderThumbnail } from './overlay.js';
import { renderScoreMap } from './score-map.js';
import { formatTick, rangeTicks, symmetricTicks } from './ticks.js';

/** Machado, Oliveira and Fernandes 2009, severity 1: what is seen, in linear sRGB. */
const colourBlindness = {
  deuteranopia: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  protanopia: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  tritanopia: [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039],
  ],
} as const;

const dot = (row: readonly number[], colour: readonly number[]): number =>
  row.reduce((sum, weight, channel) => sum + weight * (colour[channel] ?? 0), 0);
const toLinear = (level: number): number => {
  const value = level / 255;
  return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
};

/** Convert linear sRGB to OKLab. */
function toOklab(linear: readonly number[]): readonly number[] {
  const cones = [
    [0.4122214708, 0.5363325363, 0.0514459929],
    [0.2119034982, 0.6806995451, 0.1073969566],
    [0.0883024619, 0.2817188376, 0.6299787005],
  ].map((row) => Math.cbrt(Math.max(0, dot(row, linear))));
  return [
    [0.2104542553, 0.793617785, -0.0040720468],
    [1.9779984951, -2.428592205, 0.4505937099],
    [0.0259040371, 0.7827717662, -0.808675766],
  ].map((row) => dot(row, cones));
}

describe('the diverging colour map', () => {
  const lightness = ([r, g, b]: readonly number[]) =>
    0.2126 * (r ?? 0) + 0.7152 * (g ?? 0) + 0.0722 * (b ?? 0);

  test('is red for positive and blue for negative values, darker with their size', () => {
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

  test.each(Object.entries(colourBlindness))('tells signs apart under %s', (_, matrix) => {
    const seen = (value: number) => {
      const linear = divergingColour(value).map(toLinear);
      return toOklab(matrix.map((row) => Math.min(1, Math.max(0, dot(row, linear)))));
    };
    const distance = (one: readonly number[], other: readonly number[]) =>
      Math.hypot(...one.map((value, axis) => value - (other[axis] ?? Number.NaN)));
    for (const [size, least] of [
      [0.1, 0.02],
      [0.25, 0.05],
      [0.5, 0.1],
      [1, 0.2],
    ] as const) {
      expect(distance(seen(size), seen(-size))).toBeGreaterThan(least);
      expect(distance(seen(size), seen(0))).toBeGreaterThan(least);
      expect(distance(seen(-size), seen(0))).toBeGreaterThan(least);
    }
  });
});

test('ticks have three significant digits at the ends, and agree in decimals', () => {
  const ticks = (limit: number) =>
    [1, 0.5, 0, -0.5, -1].map((tick) => formatTick(tick * limit, limit));
  expect(ticks(1.0312)).toEqual(['+1.03', '+0.52', '0', '\u22120.52', '\u22121.03']);
  expect(ticks(0.04217)).toEqual(['+0.0422', '+0.0211', '0', '\u22120.0211', '\u22120.0422']);
  expect(ticks(123.4)).toEqual(['+123', '+62', '0', '\u221262', '\u2212123']);
  expect(ticks(0.00012)[0]).toBe('+1.20e\u22124');
  expect(ticks(0.99996)).toEqual(['+1.00', '+0.50', '0', '\u22120.50', '\u22121.00']);
  expect(symmetricTicks(1.0312)).toEqual(ticks(1.0312));
  expect(symmetricTicks(0)).toEqual(['0']);
});

test('ticks of a range have as many digits as tell its ends apart', () => {
  expect(rangeTicks(0.793, 0.954)).toEqual(['0.954', '0.873', '0.793']);
  expect(rangeTicks(0.99991, 0.99993)).toEqual(['0.9999300', '0.9999200', '0.9999100']);
  expect(rangeTicks(-12.5, 0.25)).toEqual(['0.3', '\u22126.1', '\u221212.5']);
  expect(rangeTicks(2, 2)).toEqual(['2.00']);
  expect(rangeTicks(0, 0)).toEqual(['0']);
});

const text = { title: 'cat: probability 0.9', unit: 'probability lost (+) when covered' };

describe('places of which nothing is known', () => {
  /** 8 x 8, the last two rows not covered. */
  const attribution = Float32Array.from({ length: 64 }, (_, at) =>
    at >= 48 ? Number.NaN : at < 8 ? 1 : 0,
  );

  test('are striped in a heatmap, apart from 0, and told in its legend', async () => {
    const pixels = await readPicture(
      await renderHeatmap(attribution, { height: 8, width: 8 }, text),
    );
    const top = findRed(pixels);
    const rows = (from: number, to: number) => {
      const found = new Set<string>();
      for (let y = top + from * 56 + 2; y < top + to * 56 - 2; y++) {
        for (let x = 18; x < 16 + 448 - 2; x++) found.add(String(pixels.at(x, y)));
      }
      return found;
    };
    expect(rows(6, 8)).toEqual(stripedLook);
    expect(rows(1, 6)).toEqual(new Set([String([...divergingColour(0)])]));
    const whole = await readPicture(
      await renderHeatmap(
        attribution.map((value) => value || 0),
        { height: 8, width: 8 },
        text,
      ),
    );
    const swatches = ({ at, height }: Picture) => {
      let count = 0;
      for (let y = 0; y < height; y++)
        if (stripedLook.has(String(at(16 + 448 + 16 + 9, y)))) count++;
      return count;
    };
    expect([swatches(pixels), swatches(whole)]).toEqual([18, 0]);
  });

  test('are striped in a score map', async () => {
    const scores = Float32Array.of(0.1, 0.5, Number.NaN, 0.9);
    const pixels = await readPicture(
      await renderScoreMap(scores, { rows: 2, columns: 2 }, 0.9, 'x'),
    );
    const bottom = pixels.height - 16 - 1;
    const seen = new Set(
      Array.from({ length: 220 }, (_, at) => String(pixels.at(18 + at, bottom))),
    );
    expect(seen).toEqual(stripedLook);
  });

  test('have no colour over a photo, and stripes there, in the thumbnail too', async () => {
    for (const level of [0, 128, 255]) {
      const photo = await sharp({
        create: {
          width: 512,
          height: 512,
          channels: 3,
          background: { r: level, g: level, b: level },
        },
      })
        .png()
        .toBuffer();
      const size = { height: 512, width: 512 };
      const input = { height: 8, width: 8 };
      const frame = planFrame({ ...input, resize: { rule: 'squash' } }, size);
      const map = { ...input, attribution, frame, photo };
      const overlay = await readPicture(await renderOverlay(map, text));
      const thumbnail = await readPicture(await renderThumbnail(map));
      const bottom = findRed(overlay) + 512;
      const below = Array.from({ length: 40 }, (_, at) => overlay.at(200 + at, bottom - 10));
      const above = Array.from({ length: 40 }, (_, at) => overlay.at(200 + at, bottom - 300));
      expect(new Set(above.map(String))).toEqual(new Set([`${level},${level},${level}`]));
      const levels = below.map(([red = 0]) => red);
      expect(Math.max(...levels) - Math.min(...levels)).toBeGreaterThan(100);
      expect(below.every(([red, green, blue]) => red === green && green === blue)).toBe(true);
      const small = Array.from({ length: 40 }, (_, at) => thumbnail.at(40 + at, 120)[0] ?? 0);
      expect(Math.max(...small) - Math.min(...small)).toBeGreaterThan(60);
    }
  });
});

/** The first row of a picture that is red at the left, below its words. */
function findRed({ at, height }: Picture): number {
  for (let y = 0; y < height; y++) {
    const [red = 0, green = 0] = at(40, y);
    if (red > green + 60) return y;
  }
  throw new Error('Expected a red row, found none');
}

describe('an overlay', () => {
  const attribution = Float32Array.of(1, 0, 0, -1);
  const overlayOf = async (size: { height: number; width: number }, opacity?: number) => {
    const photo = await sharp({ create: { ...size, channels: 3, background: '#808080' } })
      .png()
      .toBuffer();
    const input = { height: 2, width: 2 };
    const frame = planFrame({ ...input, resize: { rule: 'squash' } }, size);
    return readPicture(await renderOverlay({ ...input, attribution, frame, photo }, text, opacity));
  };

  test('is as strong as it is asked to be, and so is its scale', async () => {
    const size = { height: 448, width: 448 };
    const [usual, strong, weak, none] = [
      await overlayOf(size),
      await overlayOf(size, 1),
      await overlayOf(size, 0.3),
      await overlayOf(size, 0),
    ];
    const [top, barLeft] = [findRed(usual), 16 + 448 + 16 + 9];
    const strongest = [...divergingColour(1)];
    const over = (below: number, opacity: number) =>
      strongest.map((value) => Math.round(below + (value - below) * opacity));
    for (const [picture, opacity] of [
      [usual, 0.8],
      [strong, 1],
      [weak, 0.3],
      [none, 0],
    ] as const) {
      for (const [below, place] of [
        [128, picture.at(20, top + 4)],
        [255, picture.at(barLeft, top)],
      ] as const) {
        const exact = over(below, opacity);
        for (const [channel, value] of place.entries()) {
          expect(Math.abs(value - (exact[channel] ?? Number.NaN))).toBeLessThanOrEqual(2);
        }
      }
    }
  });

  test.each([
    [1, 1],
    [4, 2000],
    [2000, 4],
    [3000, 2000],
  ])('of a photo of %i x %i px has room for its words and scale', async (height, width) => {
    const pixels = await overlayOf({ height, width });
    expect(pixels.width).toBeGreaterThanOrEqual(392);
    expect(pixels.height).toBeGreaterThanOrEqual(200);
    expect(Math.max(pixels.width, pixels.height)).toBeLessThanOrEqual(1300);
  });
});

describe('words of a figure', () => {
  const title = async (words: string) => {
    const map = Float32Array.of(1);
    const picture = await readPicture(
      await renderHeatmap(map, { height: 1, width: 1 }, { title: words, unit: 'u' }),
    );
    const { at, width, height } = picture;
    let [inked, margin] = [0, 0];
    for (let y = 0; y < findFramed(picture).top - 2; y++) {
      for (let x = 0; x < width; x++) {
        if ((at(x, y)[0] ?? 0) > 200) continue;
        inked++;
        if (x < 14 || x >= width - 14) margin++;
      }
    }
    return { inked, margin, height };
  };

  test.each([
    ['a name without spaces', 'x'.repeat(300)],
    ['markup', '<b>&amp; "quoted"</b>'],
    ['hidden characters', 'a\u0000b\u0007c\u202ed'],
    [
      'Greek, Cyrillic and Arabic',
      '\u03b3\u03ac\u03c4\u03b1 \u043a\u043e\u0448\u043a\u0430 \u0642\u0637\u0629',
    ],
  ])('keep to their place: %s', async (_, words) => {
    const { inked, margin } = await title(words);
    expect(inked).toBeGreaterThan(20);
    expect(margin).toBe(0);
  });

  test('are cut where a name has no end', async () => {
    const { height } = await title('word '.repeat(5000));
    expect(height).toBeLessThan(800);
  });
});
