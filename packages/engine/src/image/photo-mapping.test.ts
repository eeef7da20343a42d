import type { ModelBundle } from '@umbra/shared/contracts/model';
import { type Frame, photoMapping, planFrame } from '@umbra/shared/occlusion/frame';
import type { Box, Size } from '@umbra/shared/occlusion/grid';
import { photoBoxOf } from '@umbra/shared/occlusion/photo-box';
import fc from 'fast-check';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { prepareImage } from './preprocess.js';

type Input = ModelBundle['input'];
const input = (resize: Input['resize']): Input => ({
  ...{ layout: 'NHWC', height: 48, width: 64, channels: 'RGB', scale: 1 },
  ...{ mean: [0, 0, 0], std: [1, 1, 1], resize, interpolation: 'bilinear' },
});
const rules = [
  { rule: 'squash' },
  { rule: 'crop', shorterSide: 72 },
  { rule: 'fit', shorterSide: 64 },
] as const;

const toPhoto = (frame: Frame, box: Box) => photoBoxOf(box, photoMapping(frame), frame.photo);
const sizeOf = ({ crop }: Frame): Size => ({
  height: crop.bottom - crop.top,
  width: crop.right - crop.left,
});

describe.each(rules)('a box of the input, by rule $rule', (resize) => {
  const photo = fc.record({
    height: fc.integer({ min: 1, max: 4000 }),
    width: fc.integer({ min: 1, max: 4000 }),
  });
  /** A frame, and two cuts of each of its axes. */
  const frames = fc
    .tuple(
      photo,
      fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 4, maxLength: 4 }),
    )
    .map(([size, cuts]) => {
      const frame = planFrame(input(resize), size);
      const { height, width } = sizeOf(frame);
      const cut = (index: number, extent: number) => Math.floor((cuts[index] ?? 0) * extent);
      const top = Math.min(cut(0, height), height - 1);
      const left = Math.min(cut(1, width), width - 1);
      const bottom = top + 1 + cut(2, height - top - 1);
      const right = left + 1 + cut(3, width - left - 1);
      return { frame, box: { top, left, bottom, right } };
    });

  test('lies on the photo, where the resize and the crop took it from', () => {
    fc.assert(
      fc.property(frames, ({ frame, box }) => {
        const { photo: whole, resized, crop } = frame;
        const found = toPhoto(frame, box);
        expect(found.top).toBeGreaterThanOrEqual(0);
        expect(found.left).toBeGreaterThanOrEqual(0);
        expect(found.bottom).toBeLessThanOrEqual(whole.height);
        expect(found.right).toBeLessThanOrEqual(whole.width);
        expect(found.bottom).toBeGreaterThan(found.top);
        expect(found.right).toBeGreaterThan(found.left);
        // Half a px by rounding; one where the box is smaller than a px of the photo.
        const far = (edge: number, px: number) => Math.abs(edge - px) <= 1;
        const y = (px: number) => ((crop.top + px) * whole.height) / resized.height;
        const x = (px: number) => ((crop.left + px) * whole.width) / resized.width;
        expect(far(found.top, y(box.top))).toBe(true);
        expect(far(found.bottom, y(box.bottom))).toBe(true);
        expect(far(found.left, x(box.left))).toBe(true);
        expect(far(found.right, x(box.right))).toBe(true);
      }),
    );
  });

  test('meets its neighbour where they meet in the input', () => {
    fc.assert(
      fc.property(frames, ({ frame, box }) => {
        const { height, width } = sizeOf(frame);
        const isLarger = frame.photo.height >= frame.resized.height;
        fc.pre(isLarger && box.bottom < height && box.right < width);
        const below = { ...box, top: box.bottom, bottom: height };
        const beside = { ...box, left: box.right, right: width };
        expect(toPhoto(frame, below).top).toBe(toPhoto(frame, box).bottom);
        if (frame.photo.width < frame.resized.width) return;
        expect(toPhoto(frame, beside).left).toBe(toPhoto(frame, box).right);
      }),
    );
  });

  test('is the whole photo for the whole input, unless that was cropped', () => {
    fc.assert(
      fc.property(photo, (size) => {
        const frame = planFrame(input(resize), size);
        const found = toPhoto(frame, {
          top: 0,
          left: 0,
          bottom: sizeOf(frame).height,
          right: sizeOf(frame).width,
        });
        if (resize.rule !== 'crop') {
          expect(found).toEqual({ top: 0, left: 0, bottom: size.height, right: size.width });
        }
        // What is cut off is the same on both sides, to a px of the resized photo.
        const px = Math.max(1, size.height / frame.resized.height) + 1;
        expect(Math.abs(found.top - (size.height - found.bottom))).toBeLessThanOrEqual(px);
      }),
    );
  });

  // EXIF 6: stored on its side, so that height and width change places.
  test.each([1, 6])(
    'is where the model sees it in a photo of orientation %s',
    async (orientation) => {
      const upright = { height: 300, width: 400 };
      const stored = orientation === 6 ? { height: 400, width: 300 } : upright;
      const spot = { top: 120, left: 200, bottom: 180, right: 260 };
      // Turned clockwise by a quarter, the stored px (x, y) is seen at (height - 1 - y, x).
      const storedSpot =
        orientation === 6
          ? { left: spot.top, top: stored.height - spot.right, width: 60, height: 60 }
          : { left: spot.left, top: spot.top, width: 60, height: 60 };
      const red = {
        create: { width: 60, height: 60, channels: 3, background: '#ff0000' },
      } as const;
      const bytes = await sharp({ create: { ...stored, channels: 3, background: '#000000' } })
        .composite([{ input: await sharp(red).png().toBuffer(), ...storedSpot }])
        .withMetadata({ orientation })
        .jpeg({ quality: 100, chromaSubsampling: '4:4:4' })
        .toBuffer();
      const seen = await prepareImage(bytes, input(resize));
      const rows: number[] = [];
      const columns: number[] = [];
      for (let y = 0; y < seen.height; y++) {
        for (let x = 0; x < seen.width; x++) {
          if ((seen.tensor[(y * seen.width + x) * 3] ?? 0) < 128) continue;
          rows.push(y);
          columns.push(x);
        }
      }
      const found = toPhoto(seen.frame, {
        ...{ top: Math.min(...rows), left: Math.min(...columns) },
        ...{ bottom: Math.max(...rows) + 1, right: Math.max(...columns) + 1 },
      });
      expect(seen.frame.photo).toEqual(upright);
      // An input px is about 6 px of the photo.
      for (const side of ['top', 'left', 'bottom', 'right'] as const) {
        expect(Math.abs(found[side] - spot[side]), side).toBeLessThanOrEqual(4);
      }
    },
  );
});
