/** How an image is looked at: all of it is in the page's address. */
export type ViewState = {
  /** Index into the targets of the run. */
  readonly target: number;
  /** Index into the patch sizes. */
  readonly grid: number;
  /** Heat over the photo, heat alone, or the photo alone. */
  readonly layer: 'over' | 'map' | 'photo';
  readonly isSmooth: boolean;
  /** Whether the colour scale ends at this map's largest drop, or at that of all maps of the image. */
  readonly scale: 'own' | 'shared';
  /** Percent. */
  readonly opacity: number;
  /** The position that is pinned. */
  readonly pin: Cell | null;
};

/** A position of a grid. */
export type Cell = { readonly row: number; readonly column: number };

/** The engine draws its overlays so, too. */
export const defaultView: ViewState = {
  target: 0,
  grid: 0,
  layer: 'over',
  isSmooth: false,
  scale: 'own',
  opacity: 80,
  pin: null,
};

/** Read an address; what is missing or no such value is as by default. */
export function parseView(search: URLSearchParams): ViewState {
  const layer = search.get('view');
  const [row, column] = (search.get('cell') ?? '').split(',').map(indexOf);
  return {
    target: indexOf(search.get('target')) ?? defaultView.target,
    grid: indexOf(search.get('patch')) ?? defaultView.grid,
    layer: layer === 'map' || layer === 'photo' ? layer : 'over',
    isSmooth: search.get('smooth') === '1',
    scale: search.get('scale') === 'shared' ? 'shared' : 'own',
    opacity: Math.min(100, indexOf(search.get('opacity')) ?? defaultView.opacity),
    pin: row === undefined || column === undefined ? null : { row, column },
  };
}

/** Write an address, with nothing in it that is as by default. */
export function formatView(view: ViewState): URLSearchParams {
  const { target, grid, layer, isSmooth, scale, opacity, pin } = view;
  const said: (readonly [string, string, boolean])[] = [
    ['target', String(target), target !== defaultView.target],
    ['patch', String(grid), grid !== defaultView.grid],
    ['view', layer, layer !== defaultView.layer],
    ['smooth', '1', isSmooth],
    ['scale', scale, scale !== defaultView.scale],
    ['opacity', String(opacity), opacity !== defaultView.opacity],
    ['cell', `${pin?.row},${pin?.column}`, pin !== null],
  ];
  return new URLSearchParams(
    said.filter(([, , isSaid]) => isSaid).map(([name, value]) => [name, value]),
  );
}

const indexOf = (text: string | null): number | undefined =>
  text !== null && /^\d{1,6}$/.test(text) ? Number(text) : undefined;
