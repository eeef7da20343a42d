import { at } from '@umbra/shared/assert';
import type { DatasetItem } from '@umbra/shared/contracts/dataset';
import type { ImageResult } from '@umbra/shared/contracts/result';
import { type Frame, photoMapping } from '@umbra/shared/occlusion/frame';
import { type Box, type Grid, patchBox, type Size } from '@umbra/shared/occlusion/grid';
import { liesOff } from '@umbra/shared/occlusion/overlap';
import { photoBoxOf } from '@umbra/shared/occlusion/photo-box';
import type { OcclusionPlan } from '@umbra/shared/occlusion/plan';
import type { FlipEvidence, ImageEvidence, NamedClass } from './evidence.js';
import {
  averageCells,
  averageMaps,
  boxCells,
  type CellFrame,
  inputCells,
  type Reached,
} from './lattice.js';
import { noiseShareOff } from './noise.js';
import { innerBox } from './place-tests.js';

export type ImageArguments = {
  readonly result: ImageResult;
  readonly item: DatasetItem;
  /** float32 [positions] of the whole plan, of the first target. */
  readonly scores: Float32Array;
  readonly plan: OcclusionPlan;
  /** float32 [height, width], one a patch size in the plan's order; 0 where no patch reaches. */
  readonly attributions: readonly Float32Array[];
  /** How the photo became the model's input. */
  readonly frame: Frame;
  /** The class that the item's label names; null where it names none. */
  readonly labelClass: NamedClass | null;
};

/**
 * Reduce a finished image to what a report needs of it.
 *
 * @throws {RangeError} If scores, plan and result are not of the same run.
 */
export function describeImage(given: ImageArguments): ImageEvidence {
  const { result, item, plan, attributions, frame, labelClass } = given;
  const target = at(result.targets, 0);
  const { index, label, aboveThreshold } = result.predicted;
  const object = item.box === undefined ? null : placeObject(item.box, frame, plan.image);
  return {
    id: item.id,
    name: item.name,
    label: item.label ?? null,
    labelClass,
    predicted: { index, label, ...(aboveThreshold !== undefined && { aboveThreshold }) },
    isRight: result.isRight ?? isRight(labelClass, result.predicted),
    target: { index: target.index, label: target.label },
    score: target.score,
    drop: target.score - target.lowest.score,
    lowest: describeLowest(target.lowest, frame, object),
    input: plan.image,
    ...mapsOf(plan, attributions, object),
    box: object && sharesOf(object.pixels, plan.image),
    offObjectShare: object && offShare(attributions, object.pixels, plan.image),
    borderShare: target.borderShare ?? null,
    noise: describeNoise(plan, object),
    computed: result.grids.reduce((sum, { computed }) => sum + computed, 0),
    flips: describeFlips(given),
    faithfulness: target.faithfulness,
  };
}

const isRight = (
  labelClass: NamedClass | null,
  { index, aboveThreshold }: ImageResult['predicted'],
): boolean | null =>
  labelClass === null ? null : aboveThreshold !== false && labelClass.index === index;

/** An object's box in the input: where its edges lie, which may be outside, and the px whose centre is inside. */
type PlacedObject = { readonly edges: Box; readonly pixels: Box };

/** Map a box of the photo into the input; null where the input shows nothing of it. */
function placeObject(box: Box, frame: Frame, { height, width }: Size): PlacedObject | null {
  const { y, x } = photoMapping(frame);
  const edges = {
    top: (box.top - y.offset) / y.scale,
    bottom: (box.bottom - y.offset) / y.scale,
    left: (box.left - x.offset) / x.scale,
    right: (box.right - x.offset) / x.scale,
  };
  const { photo, resized, crop } = frame;
  // The very expression of the engine's pointing game: no px may be inside there and outside here.
  const photoY = (px: number) => ((crop.top + px + 0.5) * photo.height) / resized.height;
  const photoX = (px: number) => ((crop.left + px + 0.5) * photo.width) / resized.width;
  const [top, bottom] = spanOf(height, (px) => photoY(px) >= box.top && photoY(px) < box.bottom);
  const [left, right] = spanOf(width, (px) => photoX(px) >= box.left && photoX(px) < box.right);
  if (top === bottom || left === right) return null;
  return { edges, pixels: { top, left, bottom, right } };
}

/** The px of an axis that are inside, which are neighbours: `[start, end)`, empty where none is. */
function spanOf(extent: number, isInside: (px: number) => boolean): [number, number] {
  let [start, end] = [0, 0];
  for (let px = 0; px < extent; px++) {
    if (!isInside(px)) continue;
    if (end === 0) start = px;
    end = px + 1;
  }
  return [start, end];
}

const sharesOf = ({ top, left, bottom, right }: Box, { height, width }: Size): Box => ({
  top: top / height,
  left: left / width,
  bottom: bottom / height,
  right: right / width,
});

function describeLowest(
  { grid, box, photoBox }: ImageResult['targets'][number]['lowest'],
  frame: Frame,
  object: PlacedObject | null,
): ImageEvidence['lowest'] {
  return {
    grid,
    box,
    photoBox: photoBox ?? photoBoxOf(box, photoMapping(frame), frame.photo),
    isOffObject: object && liesOff(box, object.pixels),
  };
}

function mapsOf(
  { grids, image }: OcclusionPlan,
  attributions: readonly Float32Array[],
  object: PlacedObject | null,
): Pick<ImageEvidence, 'map' | 'objectMap' | 'sizeMaps'> {
  const reached = grids.map(reachedBy);
  const mapsOn = (cells: CellFrame) =>
    attributions.map((map, nth) => averageCells(map, cells, at(reached, nth)));
  const maps = mapsOn(inputCells(image));
  return {
    map: averageMaps(maps),
    objectMap: object && averageMaps(mapsOn(boxCells(object.edges))),
    sizeMaps: maps.length > 1 ? maps : [],
  };
}

/** Tell which rows and columns of the input some patch of a grid covers. */
function reachedBy(grid: Grid): Reached {
  const y = new Uint8Array(grid.image.height);
  const x = new Uint8Array(grid.image.width);
  for (let row = 0; row < grid.rows; row++) {
    const { top, bottom } = patchBox(grid, row, 0);
    y.fill(1, top, bottom);
  }
  for (let column = 0; column < grid.columns; column++) {
    const { left, right } = patchBox(grid, 0, column);
    x.fill(1, left, right);
  }
  return { y, x };
}

/** Share of the positive attribution, the mean over patch sizes, at px outside of a box; null where none is positive. */
function offShare(attributions: readonly Float32Array[], box: Box, image: Size): number | null {
  const map = sumMaps(attributions);
  const whole = { top: 0, left: 0, bottom: image.height, right: image.width };
  const all = positiveIn(map, image, whole);
  return all === 0 ? null : Math.min(1, Math.max(0, 1 - positiveIn(map, image, box) / all));
}

/** A sum has the shares of a mean. */
function sumMaps(maps: readonly Float32Array[]): Float32Array | Float64Array {
  if (maps.length === 1) return at(maps, 0);
  const sums = new Float64Array(at(maps, 0).length);
  for (const map of maps) {
    // Hot: the maps are of one extent.
    for (let px = 0; px < sums.length; px++) sums[px] = (sums[px] as number) + (map[px] as number);
  }
  return sums;
}

function positiveIn(
  map: Float32Array | Float64Array,
  { width }: Size,
  { top, left, bottom, right }: Box,
): number {
  let sum = 0;
  for (let y = top; y < bottom; y++) {
    for (let px = y * width + left; px < y * width + right; px++) {
      // Hot: the box lies in the map.
      const value = map[px] as number;
      if (value > 0) sum += value;
    }
  }
  return sum;
}

/** The most that patches of any size give. */
function describeNoise(
  { grids, image }: OcclusionPlan,
  object: PlacedObject | null,
): ImageEvidence['noise'] {
  const most = (box: Box) => Math.max(...grids.map((grid) => noiseShareOff(grid, box)));
  return { border: most(innerBox(image)), offObject: object && most(object.pixels) };
}

/** Flips of all grids by class: the classes in the order in which positions flip to them. */
function describeFlips({ result, scores, plan, frame }: ImageArguments): FlipEvidence[] {
  const baseline = at(result.targets, 0).score;
  const toPhoto = photoMapping(frame);
  const found = new Map<number | null, FlipEvidence>();
  for (const [nth, { flips }] of result.grids.entries()) {
    const grid = at(plan.grids, nth);
    for (const { index, label, positions } of flips) {
      const position = lowestOf(positions, scores.subarray(at(plan.gridStarts, nth)));
      const drop = baseline - at(scores, at(plan.gridStarts, nth) + position);
      const before = found.get(index);
      const patch = patchBox(grid, Math.floor(position / grid.columns), position % grid.columns);
      found.set(index, {
        to: index === null ? null : { index, label },
        positions: (before?.positions ?? 0) + positions.length,
        ...(before !== undefined && before.drop >= drop
          ? { drop: before.drop, box: before.box }
          : { drop, box: photoBoxOf(patch, toPhoto, frame.photo) }),
      });
    }
  }
  return [...found.values()];
}

/** The position of the lowest score; the first of equals. */
const lowestOf = (positions: readonly number[], scores: Float32Array): number =>
  positions.reduce((lowest, position) =>
    at(scores, position) < at(scores, lowest) ? position : lowest,
  );
