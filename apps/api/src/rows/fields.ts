import { imageState } from '@umbra/shared/contracts/result';

/** Kinds of values: `list` is several texts, one a line. */
export type FieldKind = 'text' | 'integer' | 'number' | 'flag' | 'state' | 'list';

/**
 * Every field of a row by which rows are sorted and filtered: its kind, and where a stored row has it. A
 * field of the dataset's item is null there. The names are those of a row's JSON, and of the columns of the
 * index and of tables.
 */
const table = {
  id: ['text', null],
  index: ['integer', null],
  name: ['text', null],
  label: ['text', null],
  state: ['state', 'state'],
  'error.code': ['text', 'error.code'],
  'error.message': ['text', 'error.message'],
  'predicted.index': ['integer', 'predicted."index"'],
  'predicted.label': ['text', 'predicted.label'],
  'predicted.probability': ['number', 'predicted.probability'],
  'predicted.aboveThreshold': ['flag', 'predicted.aboveThreshold'],
  isRight: ['flag', 'isRight'],
  'top.label': ['list', 'array_to_string(list_transform(top, lambda one: one.label), chr(10))'],
  'target.index': ['integer', 'target."index"'],
  'target.label': ['text', 'target.label'],
  score: ['number', 'score'],
  drop: ['number', '"drop"'],
  'lowest.grid': ['integer', 'lowest.grid'],
  'lowest.row': ['integer', 'lowest."row"'],
  'lowest.column': ['integer', 'lowest."column"'],
  'lowest.box.top': ['integer', 'lowest.box."top"'],
  'lowest.box.left': ['integer', 'lowest.box."left"'],
  'lowest.box.bottom': ['integer', 'lowest.box."bottom"'],
  'lowest.box.right': ['integer', 'lowest.box."right"'],
  flips: ['integer', 'flips'],
  flippedShare: ['number', 'flippedShare'],
  borderShare: ['number', 'borderShare'],
  seconds: ['number', 'seconds'],
  width: ['integer', null],
  height: ['integer', null],
} as const satisfies Readonly<Record<string, readonly [FieldKind, string | null]>>;

export type FieldName = keyof typeof table;

export const fieldNames = Object.keys(table) as readonly FieldName[];
export const kindOf = (name: FieldName): FieldKind => table[name][0];
/** SQL expression of a field over a stored row; null for a field of the dataset's item. */
export const sourceOf = (name: FieldName): string | null => table[name][1];
/** Fields that an image's run decides. */
export const outcomeFields = fieldNames.filter((name) => sourceOf(name) !== null);

/** Fields that rows of some table are sorted and filtered by, each with its kind; names are columns of it. */
export type FieldKinds = Readonly<Record<string, FieldKind>>;

/** Those of a job's rows. */
export const rowKinds: FieldKinds = Object.fromEntries(
  fieldNames.map((name) => [name, kindOf(name)]),
);

/** @returns undefined where there is no such field. */
export const findKind = (kinds: FieldKinds, name: string): FieldKind | undefined =>
  Object.hasOwn(kinds, name) ? kinds[name] : undefined;

/** States that a row may have. */
export const states: readonly string[] = imageState.options;
