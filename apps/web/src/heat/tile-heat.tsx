import type { Grid } from '@umbra/shared/occlusion/grid';
import type { CSSProperties } from 'react';
import { limitOf, type ScoreCells } from './cells.js';
import { type PhotoPlace, percentBox, regionOf } from './heat.js';
import { usePainting } from './use-painting.js';

export type TileHeatProps = {
  readonly cells: ScoreCells;
  readonly grid: Grid;
  readonly place: PhotoPlace;
  /** Address of the photo, small. */
  readonly photo: string;
};

/** Longer side of a tile's painting, px: as a thumbnail's. */
const tilePx = 128;

/** A photo with what is known of its map, small and square, as its thumbnail will be. */
export function TileHeat({ cells, grid, place, photo }: TileHeatProps) {
  const canvas = usePainting(cells, grid, {
    limit: limitOf([cells]),
    isSmooth: false,
    layer: 'over',
    opacity: 0.8,
    maxSidePx: tilePx,
  });
  return (
    <span className="tile-stage" style={coverOf(place.photo)}>
      <img className="stage-photo" src={photo} alt="" data-layer="over" />
      <span className="stage-region" style={percentBox(regionOf(grid.image, place), place.photo)}>
        <canvas ref={canvas} className="stage-heat" />
      </span>
    </span>
  );
}

/** The box of a photo that covers a square, in the middle of it. */
function coverOf({ height, width }: PhotoPlace['photo']): CSSProperties {
  const ratio = width / height;
  return ratio > 1
    ? { width: `${100 * ratio}%`, height: '100%', left: `${-50 * (ratio - 1)}%`, top: 0 }
    : { width: '100%', height: `${100 / ratio}%`, top: `${-50 * (1 / ratio - 1)}%`, left: 0 };
}
