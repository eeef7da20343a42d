import type { DatasetItem } from '@umbra/shared/contracts/dataset';
import { imageResult } from '@umbra/shared/contracts/result';
import { occlusionSettings } from '@umbra/shared/contracts/settings';
import { planFrame } from '@umbra/shared/occlusion/frame';
import { planGrids } from '@umbra/shared/occlusion/plan';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { describeImage } from './describe-image.js';
import { offArea } from './place-tests.js';

const digest = 'a'.repeat(64);
const input = { height: 32, width: 32, resize: { rule: 'crop', shorterSide: 32 } as const };
const photo = { height: 64, width: 96 };
/** The photo is halved to 32 x 48, and its middle is the input: px `(y, x)` are photo px `(2y, 2x + 16)`. */
const frame = planFrame(input, photo);
const settings = occlusionSettings.parse({ patch: [8, 16], stride: 8 });
const plan = planGrids({ height: 32, width: 32 }, [8, 16].map(square), { y: 8, x: 8 }, 'clip');

function square(side: number) {
  return { height: side, width: side };
}

const item: DatasetItem = {
  version: 1,
  id: 'img_00000007',
  name: 'birds/heron.jpg',
  sha256: digest,
  bytes: 9,
  ...photo,
  label: 'heron',
  box: { top: 0, left: 16, bottom: 32, right: 48 },
};
const heron = { index: 3, label: 'heron' };

const result = imageResult.parse({
  version: 5,
  image: { id: item.id, name: item.name, sha256: digest, ...photo, label: 'heron' },
  model: { name: 'birds', digest },
  settings,
  approximate: false,
  input: { height: 32, width: 32 },
  predicted: { index: 5, label: 'crane', probability: 0.9 },
  isRight: false,
  grids: [
    {
      patch: square(8),
      rows: 4,
      columns: 4,
      computed: 16,
      flips: [{ index: 3, label: 'heron', positions: [2, 5] }],
    },
    {
      patch: square(16),
      rows: 3,
      columns: 3,
      computed: 9,
      flips: [
        { index: 3, label: 'heron', positions: [4] },
        { index: null, label: 'no class', positions: [0, 8] },
      ],
    },
  ],
  targets: [
    {
      index: 5,
      label: 'crane',
      score: 0.9,
      lowest: {
        score: 0.1,
        grid: 1,
        row: 0,
        column: 1,
        box: { top: 0, left: 8, bottom: 16, right: 24 },
        photoBox: { top: 0, left: 32, bottom: 32, right: 64 },
      },
      borderShare: 0.25,
      faithfulness: { deletion: 0.2, insertion: 0.7, pointingGame: true },
      heatmap: 'heatmap.png',
      overlay: 'overlay.png',
    },
  ],
  files: [],
  provenance: {
    backend: 'onnxruntime',
    backendVersion: '1',
    device: 'cpu',
    strategy: 'dense',
    umbraVersion: '0.1.0',
  },
});

const scores = Float32Array.from({ length: 25 }, () => 0.9);
scores[2] = 0.5;
scores[5] = 0.25;
scores[16 + 4] = 0.375;
scores[16] = 0.75;
scores[16 + 8] = 0.625;

/** Attribution 1 in the top left quarter and 3 in the bottom right one, of the first size; 0 of the second. */
const small = Float32Array.from({ length: 1024 }, (_, px) => {
  const [y, x] = [Math.floor(px / 32), px % 32];
  if (y < 16 && x < 16) return 1;
  return y >= 16 && x >= 16 ? 3 : -1;
});
const large = new Float32Array(1024);

const given = {
  result,
  item,
  scores,
  plan,
  attributions: [small, large],
  frame,
  labelClass: heron,
};

describe('the evidence of an image', () => {
  const evidence = describeImage(given);

  test('has its names and numbers', () => {
    expect(evidence).toMatchObject({
      id: 'img_00000007',
      name: 'birds/heron.jpg',
      label: 'heron',
      labelClass: heron,
      predicted: { index: 5, label: 'crane' },
      isRight: false,
      target: { index: 5, label: 'crane' },
      score: 0.9,
      drop: 0.8,
      input: { height: 32, width: 32 },
      computed: 25,
      borderShare: 0.25,
      faithfulness: { deletion: 0.2, insertion: 0.7, pointingGame: true },
    });
  });

  test('has the mean of the sizes of a cell, and each size', () => {
    expect([evidence.map[0], evidence.map[15], evidence.map[255]]).toEqual([0.5, -0.5, 1.5]);
    expect(evidence.sizeMaps.map((map) => [map[0], map[15], map[255]])).toEqual([
      [1, -1, 3],
      [0, 0, 0],
    ]);
  });

  test('tells what lies off the object, whose box is mapped into the input', () => {
    expect(evidence.box).toEqual({ top: 0, left: 0, bottom: 0.5, right: 0.5 });
    expect(evidence.offObjectShare).toBe(0.75);
    // Of 16 x 16 px of the patch, 16 x 8 lie on the object: no more than half are off.
    expect(evidence.lowest.isOffObject).toBe(false);
    const smaller = { ...item, box: { top: 0, left: 16, bottom: 30, right: 48 } };
    expect(describeImage({ ...given, item: smaller }).lowest.isOffObject).toBe(true);
  });

  test('has a map around the object', () => {
    // Cells are 2 px; the input begins at the cell [4, 4], and the box ends at the cell [12, 12].
    const cell = (row: number, column: number) => evidence.objectMap?.[16 * row + column];
    expect([cell(3, 4), cell(4, 4), cell(11, 11), cell(11, 12), cell(12, 12)]).toEqual([
      Number.NaN,
      0.5,
      0.5,
      -0.5,
      1.5,
    ]);
  });

  test('has the flips of all sizes by class, with the position that lowers the score most', () => {
    expect(evidence.flips).toEqual([
      {
        to: heron,
        positions: 3,
        drop: 0.9 - 0.25,
        box: { top: 16, left: 32, bottom: 32, right: 48 },
      },
      {
        to: null,
        positions: 2,
        drop: 0.9 - 0.625,
        box: { top: 32, left: 48, bottom: 64, right: 80 },
      },
    ]);
  });
});

test("the object's px are those that the engine's pointing game counts", () => {
  const side = fc.integer({ min: 33, max: 90 });
  fc.assert(
    fc.property(
      side,
      side,
      fc.array(fc.nat(80), { minLength: 4, maxLength: 4 }),
      (height, width, ends) => {
        const [top = 0, left = 0, tall = 0, wide = 0] = ends;
        const box = { top, left, bottom: top + tall + 1, right: left + wide + 1 };
        const own = planFrame(input, { height, width });
        const { photo: of, resized, crop } = own;
        const evidence = describeImage({ ...given, frame: own, item: { ...item, box } });
        // As in hitsBox of packages/engine/src/occlusion/faithfulness.ts.
        const isInside = (px: number) => {
          const x = ((crop.left + (px % 32) + 0.5) * of.width) / resized.width;
          const y = ((crop.top + Math.floor(px / 32) + 0.5) * of.height) / resized.height;
          return x >= box.left && x < box.right && y >= box.top && y < box.bottom;
        };
        const sumWhere = (holds: (px: number) => boolean) =>
          small.reduce((sum, value, px) => (value > 0 && holds(px) ? sum + value : sum), 0);
        const inside = small.reduce((count, _, px) => count + Number(isInside(px)), 0);
        expect(evidence.box === null).toBe(inside === 0);
        if (evidence.box === null) return;
        expect(1 - offArea(evidence.box)).toBeCloseTo(inside / 1024, 12);
        expect(evidence.offObjectShare).toBeCloseTo(
          sumWhere((px) => !isInside(px)) / sumWhere(() => true),
          12,
        );
      },
    ),
  );
});

test('without a box nothing is said of the object, nor where the input shows nothing of it', () => {
  const { box: _, ...boxless } = item;
  const off = { ...item, box: { top: 0, left: 0, bottom: 64, right: 16 } };
  for (const one of [boxless, off]) {
    const evidence = describeImage({ ...given, item: one });
    expect(evidence).toMatchObject({ box: null, objectMap: null, offObjectShare: null });
    expect(evidence.lowest.isOffObject).toBeNull();
  }
});

test('what an older result lacks is null, or follows from what it has', () => {
  const { isRight: _, ...rest } = result;
  const [target] = result.targets;
  if (target === undefined) throw new Error('Expected a target');
  const { borderShare: __, lowest, ...others } = target;
  const { photoBox: ___, ...unmapped } = lowest;
  const old = { ...rest, version: 4 as const, targets: [{ ...others, lowest: unmapped }] };
  const evidence = describeImage({ ...given, result: old });
  expect(evidence.borderShare).toBeNull();
  expect(evidence.isRight).toBe(false);
  expect(evidence.lowest.photoBox).toEqual(lowest.photoBox);
  expect(describeImage({ ...given, result: old, labelClass: null }).isRight).toBeNull();
});

test('an attribution without anything positive has no share', () => {
  const attributions = [small.map(() => -1), large];
  expect(describeImage({ ...given, attributions }).offObjectShare).toBeNull();
});
