import type { Box } from '@umbra/shared/occlusion/grid';
import { createRandom } from '@umbra/shared/random';
import { expect, test } from 'vitest';
import type { TrialImage } from './choose-images.js';
import { drawControl, drawSource } from './draw-content.js';

const boxAt = (top: number, left: number, side = 8): Box => ({
  ...{ top, left },
  bottom: top + side,
  right: left + side,
});
const corner = boxAt(0, 0);
const centre = boxAt(16, 16, 16);

const imageOf = (id: string, changes: Partial<TrialImage> = {}): TrialImage => ({
  ...{ id, labelIndex: 0, input: { height: 48, width: 48 } },
  ...{ box: corner, object: centre, isOffObject: true },
  ...changes,
});
const beside = imageOf('img_00000000');
const onObject = imageOf('img_00000001', { box: centre, isOffObject: false });
const draw = (sources: readonly TrialImage[], target: TrialImage, seed = 1) =>
  drawSource(target, { from: sources, random: createRandom(seed) })?.id ?? null;

test('content from beside an object is pasted beside the other object', () => {
  const other = boxAt(40, 40);
  const far = imageOf('img_00000002', { box: other });
  const hidden = imageOf('img_00000003', { object: boxAt(0, 0, 12) });
  for (let seed = 0; seed < 20; seed++) expect(draw([beside, far], hidden, seed)).toBe(far.id);
});

test('an image that no content fits is left out', () => {
  expect(draw([beside], imageOf('img_00000003', { object: boxAt(7, 7) }))).toBeNull();
  expect(draw([beside], imageOf('img_00000003', { object: boxAt(8, 8) }))).toBe(beside.id);
  expect(
    draw([onObject], imageOf('img_00000003', { input: { height: 31, width: 48 } })),
  ).toBeNull();
});

test('content of an object is pasted anywhere, and all where no object is known', () => {
  expect(draw([onObject], imageOf('img_00000003'))).toBe(onObject.id);
  expect(draw([beside], imageOf('img_00000003', { object: null }))).toBe(beside.id);
});

test('its control is of another image, at the same place, and beside its object, too', () => {
  const target = imageOf('img_00000003');
  const control = (from: readonly TrialImage[], source = beside) =>
    drawControl({ source, target }, { from, random: createRandom(1) })?.id ?? null;
  const hidden = imageOf('img_00000004', { object: boxAt(0, 0, 12) });
  const free = imageOf('img_00000005', { box: boxAt(40, 40) });
  expect(control([target])).toBeNull();
  expect(control([target, hidden])).toBeNull();
  expect(control([target, hidden, free])).toBe(free.id);
  expect(control([target, hidden], onObject)).toBe(hidden.id);
});
