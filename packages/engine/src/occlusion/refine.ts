import { at } from '@umbra/shared/assert';
import type { OcclusionSettings } from '@umbra/shared/contracts/settings';
import type { Grid } from '@umbra/shared/occlusion/grid';
import type { OcclusionPlan } from '@umbra/shared/occlusion/plan';
import type { ScoreMaps } from '../types.js';
import { interpolate } from './interpolate.js';

type Refine = NonNullable<OcclusionSettings['refine']>;
/** Runs the network at some places of the maps and writes their scores. */
type ScorePlaces = (places: readonly number[]) => Promise<void>;

/**
 * Score a plan approximately: a coarse lattice first, then the places where the interpolated scores
 * vary most, until a share of all positions is used up. The rest is interpolated, and keeps its
 * predicted class at -1.
 */
export async function refineMaps(
  plan: OcclusionPlan,
  { every, share }: Refine,
  maps: ScoreMaps,
  score: ScorePlaces,
): Promise<void> {
  const parts = plan.grids.map((grid, nth) => ({ grid, start: at(plan.gridStarts, nth) }));
  await score(
    parts.flatMap(({ grid, start }) => coarsePlaces(grid, every).map((place) => start + place)),
  );
  await score(
    parts.flatMap(({ grid, start }) => {
      const { scores, known } = partOf(maps, grid, start);
      const maxima = scores.map((values) => variation(grid, interpolate(grid, values, known)));
      const left = Math.floor(share * known.length) - count(known);
      return choose(maxima, known, left).map((place) => start + place);
    }),
  );
  for (const { grid, start } of parts) {
    const { scores, known } = partOf(maps, grid, start);
    for (const values of scores) values.set(interpolate(grid, values, known));
  }
}

/** One grid's own scores, in place, and where they were run. */
function partOf({ scores, predictedClasses }: ScoreMaps, { rows, columns }: Grid, start: number) {
  const end = start + rows * columns;
  return {
    scores: scores.map((values) => values.subarray(start, end)),
    known: Uint8Array.from(predictedClasses.subarray(start, end), (predictedClass) =>
      predictedClass === -1 ? 0 : 1,
    ),
  };
}

/**
 * One place in `every`, spread as evenly as a lattice can, and the corners, beyond which nothing
 * could be interpolated.
 */
export function coarsePlaces({ rows, columns }: Grid, every: number): number[] {
  const shift = evenShift(every);
  const isCorner = (row: number, column: number) =>
    (row === 0 || row === rows - 1) && (column === 0 || column === columns - 1);
  const places: number[] = [];
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      if ((shift * row + column) % every === 0 || isCorner(row, column)) {
        places.push(row * columns + column);
      }
    }
  }
  return places;
}

/** The `shift` for which places with `(shift * row + column) % every === 0` are farthest apart. */
function evenShift(every: number): number {
  let best = { shift: 1, distance: 0 };
  for (let shift = 1; shift < every; shift++) {
    let distance = every ** 2;
    for (let row = 1; row < every; row++) {
      const column = (shift * row) % every;
      distance = Math.min(distance, row ** 2 + Math.min(column, every - column) ** 2);
    }
    if (distance > best.distance) best = { shift, distance };
  }
  return best.shift;
}

/** Range of a map around each place, as a share of its whole range. */
function variation({ rows, columns }: Grid, values: Float32Array): Float32Array {
  const changes = new Float32Array(values.length);
  let lowest = Number.POSITIVE_INFINITY;
  let highest = Number.NEGATIVE_INFINITY;
  for (let place = 0; place < values.length; place++) {
    const [row, column] = [Math.floor(place / columns), place % columns];
    let [min, max] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (let y = Math.max(0, row - 1); y <= Math.min(rows - 1, row + 1); y++) {
      for (let x = Math.max(0, column - 1); x <= Math.min(columns - 1, column + 1); x++) {
        // Hot: the neighbours are inside the map.
        const value = values[y * columns + x] as number;
        min = Math.min(min, value);
        max = Math.max(max, value);
      }
    }
    changes[place] = max - min;
    lowest = Math.min(lowest, min);
    highest = Math.max(highest, max);
  }
  return highest > lowest ? changes.map((change) => change / (highest - lowest)) : changes;
}

/** Choose, among places that were not run, those where any target's map changes most. */
function choose(changes: readonly Float32Array[], known: Uint8Array, left: number): number[] {
  const largest = (place: number) => Math.max(...changes.map((values) => at(values, place)));
  return [...known.keys()]
    .filter((place) => known[place] === 0)
    .map((place) => ({ place, change: largest(place) }))
    .sort((a, b) => b.change - a.change || a.place - b.place)
    .slice(0, Math.max(0, left))
    .map(({ place }) => place)
    .sort((a, b) => a - b);
}

const count = (known: Uint8Array): number => known.reduce((sum, one) => sum + one, 0);
