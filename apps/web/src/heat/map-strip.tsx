import type { Grid } from '@umbra/shared/occlusion/grid';
import type { ViewState } from '../lib/view-state.js';
import { limitOf, type ScoreCells } from './cells.js';
import { usePainting } from './use-painting.js';

export type MapStripProps = {
  readonly maps: {
    readonly grids: readonly Grid[];
    readonly cells: readonly (readonly ScoreCells[])[];
  };
  readonly view: ViewState;
  readonly limit: number;
  readonly onChoose: (change: Pick<ViewState, 'target' | 'grid' | 'pin'>) => void;
};

/** Every patch size and target side by side, to compare and to choose from. */
export function MapStrip({ maps, view, limit, onChoose }: MapStripProps) {
  const count = maps.cells.flat().length;
  if (count < 2) return null;
  return (
    <div className="strip">
      {maps.grids.flatMap((grid, gridIndex) =>
        (maps.cells[gridIndex] ?? []).map((cells, target) => (
          <button
            key={`${grid.patch.height}x${grid.patch.width} ${String(target)}`}
            type="button"
            className="strip-map"
            aria-pressed={gridIndex === view.grid && target === view.target}
            onClick={() => onChoose({ grid: gridIndex, target, pin: null })}
          >
            <MiniMap
              cells={cells}
              grid={grid}
              limit={view.scale === 'shared' ? limit : limitOf([cells])}
            />
            <span className="note">
              {grid.patch.width} × {grid.patch.height} px, target {target + 1}
            </span>
          </button>
        )),
      )}
    </div>
  );
}

type MiniMapProps = { readonly cells: ScoreCells; readonly grid: Grid; readonly limit: number };

function MiniMap({ cells, grid, limit }: MiniMapProps) {
  const canvas = usePainting(cells, grid, { limit, isSmooth: false, layer: 'map', opacity: 1 });
  return <canvas ref={canvas} className="strip-heat" />;
}
