/** What of a model is looked at: all of it is in the page's address. */
export type ModelView = {
  /** Name of the chosen layer. */
  readonly layer: string | null;
  /** Text that the listed layers have. */
  readonly find: string;
  /** Extent of the input that shapes are for, `HEIGHTxWIDTH` px; null for the model's own. */
  readonly size: string | null;
  /** `ROW,COLUMN` of a unit of the layer's maps; null for the middle one. */
  readonly unit: UnitPlace | null;
  /** The photo that the layer is seen on. */
  readonly job: string | null;
  readonly image: string | null;
  readonly mode: FilterMode | null;
  readonly scale: 'layer' | 'own';
  /** Side of a weight, px; null for what suits the layer. */
  readonly cell: number | null;
  /** Page of the filters. */
  readonly page: number;
  /** Page of the activations. */
  readonly maps: number;
};

export type FilterMode = 'rgb' | 'channels' | 'collated';
export type UnitPlace = { readonly row: number; readonly column: number };

export const filterModes: readonly FilterMode[] = ['rgb', 'channels', 'collated'];

/** Read an address; what is missing or no such value is as by default. */
export function parseModelView(search: URLSearchParams): ModelView {
  const unit = /^(\d{1,6}),(\d{1,6})$/.exec(search.get('unit') ?? '');
  const mode = search.get('mode');
  return {
    layer: search.get('layer'),
    find: search.get('find') ?? '',
    size: matching(search.get('size'), /^[1-9]\d{0,3}x[1-9]\d{0,3}$/),
    unit: unit === null ? null : { row: Number(unit[1]), column: Number(unit[2]) },
    job: matching(search.get('job'), /^job_[0-9a-z]{20}$/),
    image: matching(search.get('image'), /^img_\d{8}$/),
    mode: filterModes.find((one) => one === mode) ?? null,
    scale: search.get('scale') === 'own' ? 'own' : 'layer',
    cell: countOf(search.get('cell'), 64),
    page: countOf(search.get('page')) ?? 1,
    maps: countOf(search.get('maps')) ?? 1,
  };
}

/** Write an address, with nothing in it that is as by default. */
export function formatModelView(view: ModelView): URLSearchParams {
  const { layer, find, size, unit, job, image, mode, scale, cell, page, maps } = view;
  const said: Readonly<Record<string, string | null>> = {
    layer,
    find: find === '' ? null : find,
    size,
    unit: unit === null ? null : formatUnit(unit),
    job,
    image,
    mode,
    scale: scale === 'layer' ? null : scale,
    cell: cell === null ? null : String(cell),
    page: page === 1 ? null : String(page),
    maps: maps === 1 ? null : String(maps),
  };
  return new URLSearchParams(
    Object.entries(said).flatMap(([name, value]): [string, string][] =>
      value === null ? [] : [[name, value]],
    ),
  );
}

export const formatUnit = ({ row, column }: UnitPlace): string => `${row},${column}`;

/** What of a view stays when another layer is chosen. */
export const chooseLayer = (view: ModelView, layer: string): ModelView => ({
  ...view,
  ...{ layer, unit: null, mode: null, cell: null, page: 1, maps: 1 },
});

const matching = (text: string | null, pattern: RegExp): string | null =>
  text !== null && pattern.test(text) ? text : null;

function countOf(text: string | null, most = 1_000_000): number | null {
  const count = /^[1-9]\d{0,6}$/.test(text ?? '') ? Number(text) : null;
  return count !== null && count <= most ? count : null;
}
