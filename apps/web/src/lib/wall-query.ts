/** How a job's images are sorted and filtered, in the words of the service: all of it is in the page's address. */
export type WallQuery = {
  /** A field of rows, with `-` before it for the largest first. */
  readonly sort: string;
  /** Filters, `FIELD OP VALUE` without spaces between them; all must hold. */
  readonly where: readonly string[];
};

export const defaultSort = 'index';
/** Beginning of the filter that a search by name sets. */
export const nameContains = 'name~';

/** Most filters that the service takes. */
const maxFilters = 16;

/** Read an address. What the service does not know in it, it refuses with words of its own. */
export const parseWall = (search: URLSearchParams): WallQuery => ({
  sort: search.get('sort') ?? defaultSort,
  where: [...new Set(search.getAll('where'))].slice(0, maxFilters),
});

/** Write an address, with nothing in it that is as by default. */
export function formatWall({ sort, where }: WallQuery): URLSearchParams {
  const search = new URLSearchParams();
  if (sort !== defaultSort) search.set('sort', sort);
  for (const filter of where) search.append('where', filter);
  return search;
}

/** Set filters, or take them away where all of them are set already. */
export function toggleFilters(
  where: readonly string[],
  filters: readonly string[],
): readonly string[] {
  const others = where.filter((one) => !filters.includes(one));
  return hasFilters(where, filters) ? others : [...others, ...filters];
}

export const hasFilters = (where: readonly string[], filters: readonly string[]): boolean =>
  filters.every((filter) => where.includes(filter));

/** Put a filter in the place of those that begin as it does. @param value None where it is empty. */
export function replaceFilter(
  where: readonly string[],
  start: string,
  value: string,
): readonly string[] {
  const others = where.filter((one) => !one.startsWith(start));
  return value === '' ? others : [...others, start + value];
}

/** What follows `start` in the filter that begins so; empty where none does. */
export const valueAfter = (where: readonly string[], start: string): string =>
  where.find((one) => one.startsWith(start))?.slice(start.length) ?? '';

const fieldOf = (filter: string): string => /^[A-Za-z.]*/.exec(filter)?.[0] ?? '';

/** What a dataset says of an image, whatever comes of it. */
const givenFields = ['id', 'index', 'name', 'label', 'width', 'height'];
const isGiven = (field: string): boolean => givenFields.includes(field);

/** Filters on what is known of an image from the beginning. */
export const givenFilters = (where: readonly string[]): readonly string[] =>
  where.filter((filter) => isGiven(fieldOf(filter)));

/** Whether images that end come to other places of the list, or into it, or out of it. */
export const isMoving = ({ sort, where }: WallQuery): boolean =>
  !isGiven(sort.replace('-', '')) || givenFilters(where).length < where.length;

/** Rows of a range of indices, both ends in it. */
export type IndexRange = { readonly first: number; readonly last: number };

/**
 * Cover indices with ranges of at most `maxLength`, each of which one page of rows answers.
 *
 * @param indices In any order.
 */
export function rangesOf(indices: readonly number[], maxLength: number): readonly IndexRange[] {
  const ranges: { first: number; last: number }[] = [];
  for (const index of indices.toSorted((a, b) => a - b)) {
    const range = ranges.at(-1);
    if (range !== undefined && index - range.first < maxLength) range.last = index;
    else ranges.push({ first: index, last: index });
  }
  return ranges;
}
