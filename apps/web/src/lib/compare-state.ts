import { formatView, parseView, type ViewState } from './view-state.js';

/** What of a comparison is looked at, and how: all of it is in the page's address. */
export type CompareState = {
  /** Ids of the jobs; null where none is chosen. */
  readonly a: string | null;
  readonly b: string | null;
  /** The image whose maps are shown, as the first job names it. */
  readonly image: string | null;
  readonly sort: SortName;
  readonly show: ShowName;
  /** The place that is pinned, px of the upright photo. */
  readonly at: { readonly y: number; readonly x: number } | null;
  /** Index into the first job's targets; null for the first that both have. */
  readonly target: number | null;
  readonly view: Pick<ViewState, 'grid' | 'layer' | 'isSmooth' | 'opacity'>;
};

/** Orders of the list, by name: what they are called, and what the service sorts by. */
export const sorts = {
  changed: { label: 'Changed most', sort: '-difference.change' },
  moved: { label: 'Patch moved farthest', sort: '-difference.distanceShare' },
  fell: { label: 'Score is lowest in B against A', sort: 'difference.score' },
  rose: { label: 'Score is highest in B against A', sort: '-difference.score' },
  less: { label: 'Drop is smallest in B against A', sort: 'difference.drop' },
  more: { label: 'Drop is largest in B against A', sort: '-difference.drop' },
  order: { label: 'Order of the photos', sort: 'index' },
} as const;
export type SortName = keyof typeof sorts;

/** What of the list is shown, by name: the filters of the service. */
export const shows = {
  all: [],
  changed: ['difference.predicted=true'],
  lost: ['isRight=true', 'other.isRight=false'],
  gained: ['isRight=false', 'other.isRight=true'],
} as const;
export type ShowName = keyof typeof shows;

const placePattern = /^(\d{1,6}(?:\.\d{1,2})?),(\d{1,6}(?:\.\d{1,2})?)$/;

/** Read an address; what is missing or no such value is as by default. */
export function parseComparison(search: URLSearchParams): CompareState {
  const sort = search.get('sort') ?? '';
  const show = search.get('show') ?? '';
  const [, x, y] = placePattern.exec(search.get('at') ?? '') ?? [];
  const { target, ...view } = parseView(search);
  return {
    a: idOf(search.get('a')),
    b: idOf(search.get('b')),
    image: idOf(search.get('image')),
    sort: isName(sorts, sort) ? sort : 'changed',
    show: isName(shows, show) ? show : 'all',
    at: x === undefined || y === undefined ? null : { y: Number(y), x: Number(x) },
    target: search.has('target') ? target : null,
    view,
  };
}

/** Write an address, with nothing in it that is as by default. */
export function formatComparison(state: CompareState): URLSearchParams {
  const { a, b, image, sort, show, at, target, view } = state;
  const said: (readonly [string, string | null])[] = [
    ['a', a],
    ['b', b],
    ['image', image],
    ['sort', sort === 'changed' ? null : sort],
    ['show', show === 'all' ? null : show],
    ['at', at === null ? null : `${hundredths(at.x)},${hundredths(at.y)}`],
    ['target', target === null ? null : String(target)],
    ...formatView({ ...view, target: 0, scale: 'own', pin: null }),
  ];
  return new URLSearchParams(
    said.flatMap(([name, value]) => (value === null || value === '' ? [] : [[name, value]])),
  );
}

const hundredths = (px: number): string => String(Math.round(px * 100) / 100);
/** An empty one is none. */
const idOf = (text: string | null): string | null => text || null;
const isName = <T extends object>(names: T, name: string): name is keyof T & string =>
  Object.hasOwn(names, name);
