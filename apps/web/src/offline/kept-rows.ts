import type { ImageRow, RowFacets } from '@umbra/shared/contracts/row';

// What the service answers of rows, of those alone that are kept.

export type KeptRowsPage = {
  readonly data: readonly ImageRow[];
  readonly next_cursor: string | null;
  readonly total: number;
};

/** As many as the service's lists have where no number is asked for. */
const defaultLimit = 100;

/** A page of rows. @param query `sort`, `where`, `state`, `limit` and `cursor`, as the service takes them. */
export function pageOfRows(rows: readonly ImageRow[], query: URLSearchParams): KeptRowsPage {
  const found = sortRows(filterRows(rows, query), query.get('sort') ?? 'index');
  const start = Number(query.get('cursor') ?? 0);
  const end = start + limitIn(query);
  return {
    data: found.slice(start, end),
    next_cursor: end < found.length ? String(end) : null,
    total: found.length,
  };
}

/** Count rows by what they say. @param query `where` and `limit`, as the service takes them. */
export function countRows(rows: readonly ImageRow[], query: URLSearchParams): RowFacets {
  const found = filterRows(rows, query);
  const limit = limitIn(query);
  const rightOf = (wanted: boolean | null) =>
    found.filter(({ isRight }) => isRight === wanted).length;
  const labelled = found.flatMap(({ label, predicted }) =>
    label === null ? [] : [{ label, predicted: classOf(predicted) }],
  );
  return {
    total: found.length,
    states: countEqual(found.map(({ state }) => ({ state }))).toSorted((a, b) =>
      a.state < b.state ? -1 : 1,
    ),
    isRight: { right: rightOf(true), wrong: rightOf(false), unknown: rightOf(null) },
    labels: facetOf(
      labelled.map(({ label }) => ({ label })),
      limit,
    ),
    predicted: facetOf(
      found.flatMap(({ predicted }) => classOf(predicted) ?? []),
      limit,
    ),
    pairs: facetOf(labelled, limit),
  };
}

const limitIn = (query: URLSearchParams): number => Number(query.get('limit') ?? defaultLimit);

const classOf = (predicted: ImageRow['predicted']) =>
  predicted === null ? null : { index: predicted.index, label: predicted.label };

/** How often each value is there, the most frequent first. */
function countEqual<T extends object>(values: readonly T[]): (T & { count: number })[] {
  const counted = new Map<string, T & { count: number }>();
  for (const value of values) {
    const key = JSON.stringify(value);
    const one = counted.get(key) ?? { ...value, count: 0 };
    one.count += 1;
    counted.set(key, one);
  }
  return [...counted.values()].toSorted((a, b) => b.count - a.count);
}

function facetOf<T extends object>(values: readonly T[], limit: number) {
  const counted = countEqual(values);
  return { distinct: counted.length, values: counted.slice(0, limit) };
}

const filterRows = (rows: readonly ImageRow[], query: URLSearchParams): readonly ImageRow[] => {
  const state = query.get('state');
  const filters = query.getAll('where');
  return rows.filter(
    (row) =>
      (state === null || row.state === state) && filters.every((filter) => fits(row, filter)),
  );
};

/** By a field, or `-` and a field for the largest first; equals by index, and rows without a value last. */
function sortRows(rows: readonly ImageRow[], sort: string): readonly ImageRow[] {
  const sign = sort.startsWith('-') ? -1 : 1;
  const field = sort.replace(/^-/, '');
  return rows.toSorted((a, b) => {
    const [left, right] = [fieldOf(a, field), fieldOf(b, field)];
    if (left === right) return a.index - b.index;
    if (left === null || right === null) return left === null ? 1 : -1;
    return left < right ? -sign : sign;
  });
}

const filterForm = /^([A-Za-z.]+)(!=|<=|>=|=|<|>|~)(.*)$/s;

/** Whether a row fits `FIELD OP VALUE`; no value stands for none. */
function fits(row: ImageRow, filter: string): boolean {
  const [, field = '', operator = '', text = ''] = filterForm.exec(filter) ?? [];
  if (field === 'top.label') return fitsOne(row.top ?? [], operator, text);
  const value = fieldOf(row, field);
  if (text === '') return (value === null) === (operator === '=');
  if (value === null) return operator === '!=';
  const wanted = typeof value === 'number' ? Number(text) : text.normalize('NFC');
  const given = typeof value === 'boolean' ? String(value) : value;
  switch (operator) {
    case '=':
      return given === wanted;
    case '!=':
      return given !== wanted;
    case '<':
      return given < wanted;
    case '<=':
      return given <= wanted;
    case '>':
      return given > wanted;
    case '>=':
      return given >= wanted;
    default:
      return contains(String(given), text);
  }
}

function fitsOne(top: readonly { readonly label: string }[], operator: string, text: string) {
  if (text === '') return (top.length === 0) === (operator === '=');
  if (operator === '~') return top.some(({ label }) => contains(label, text));
  return top.some(({ label }) => label === text) === (operator === '=');
}

const contains = (text: string, part: string): boolean =>
  text.toLowerCase().includes(part.normalize('NFC').toLowerCase());

/** A field's value, such as that of `predicted.label`; null where there is none. */
function fieldOf(row: ImageRow, field: string): string | number | boolean | null {
  const found = field
    .split('.')
    .reduce<unknown>((value, name) => (value as Record<string, unknown> | null)?.[name], row);
  const isValue =
    typeof found === 'string' || typeof found === 'number' || typeof found === 'boolean';
  return isValue ? found : null;
}
