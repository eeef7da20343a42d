import type { Grid } from '@umbra/shared/occlusion/grid';
import { layOutCells } from './cell-layout.js';
import { dropAt, type ScoreCells } from './cells.js';
import type { PhotoPlace } from './heat.js';
import { cellUnder, toPhotoPoint } from './photo-point.js';

/** A map, and where its cells lie on the photo. */
export type PlacedMap = {
  readonly cells: ScoreCells;
  readonly grid: Grid;
  readonly place: PhotoPlace;
};

/**
 * How much more a patch takes away in one map than in another of the same photo.
 *
 * Its cells are those of the map whose cells are smaller on the photo. Its drop is the other map's drop minus
 * this one's; NaN where one of them has none, or did not see the photo there.
 */
export type DifferenceMap = PlacedMap & {
  /** Whether the two grids differ, so that each cell has the nearest one of the coarser grid beside it. */
  readonly isResampled: boolean;
};

export function differenceOf(one: PlacedMap, other: PlacedMap): DifferenceMap {
  const isResampled = !isSameGrid(one, other);
  const [fine, coarse, sign] = cellArea(other) < cellArea(one) ? [other, one, -1] : [one, other, 1];
  const { rows, columns } = fine.cells;
  const layout = layOutCells(fine.grid);
  const coarseLayout = layOutCells(coarse.grid);
  const coarseIndexAt = (row: number, column: number): number => {
    if (!isResampled) return row * columns + column;
    const centre = { y: layout.yCentres[row] ?? 0, x: layout.xCentres[column] ?? 0 };
    const onPhoto = toPhotoPoint(centre, fine.place.toPhoto);
    const cell = cellUnder(onPhoto, coarseLayout, coarse.place.toPhoto);
    return cell === null ? -1 : cell.row * coarse.cells.columns + cell.column;
  };
  // What is painted and read out is `baseline - scores`: the difference of the drops.
  const scores = Float32Array.from({ length: rows * columns }, (_, index) => {
    const beside = coarseIndexAt(Math.floor(index / columns), index % columns);
    return sign * (dropAt(fine.cells, index) - dropAt(coarse.cells, beside));
  });
  const predictedClasses = new Int32Array(rows * columns).fill(-1);
  return {
    ...fine,
    cells: { rows, columns, scores, predictedClasses, baseline: 0 },
    isResampled,
  };
}

function isSameGrid(one: PlacedMap, other: PlacedMap): boolean {
  const said = ({ grid, place }: PlacedMap) => {
    const { rows, columns, image, patch, stride } = grid;
    const { y, x } = place.toPhoto;
    return [
      ...[rows, columns, image.height, image.width, patch.height, patch.width, stride.y, stride.x],
      ...[y.scale, y.offset, x.scale, x.offset],
    ];
  };
  return String(said(one)) === String(said(other));
}

/** Extent of a cell inside the map, px² of the photo. */
const cellArea = ({ grid: { stride }, place: { toPhoto } }: PlacedMap): number =>
  stride.y * toPhoto.y.scale * stride.x * toPhoto.x.scale;
