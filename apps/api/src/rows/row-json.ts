import { fieldNames } from './fields.js';

const predicted = [
  `'index': "predicted.index", 'label': "predicted.label", 'probability': "predicted.probability"`,
  `'aboveThreshold': "predicted.aboveThreshold"`,
] as const;

const box = ['top', 'left', 'bottom', 'right'].map((side) => `'${side}': "lowest.box.${side}"`);

/** Fields of a row's JSON, each with what it is in SQL over the index: see `imageRow`. */
const nested: readonly (readonly [name: string, sql: string])[] = [
  ['id', 'id'],
  ['index', '"index"'],
  ['name', 'name'],
  [
    'label',
    'CASE WHEN label IS NULL THEN NULL WHEN labelIsIndex THEN to_json(CAST(label AS BIGINT)) ELSE to_json(label) END',
  ],
  ['state', 'state'],
  [
    'error',
    `CASE WHEN "error.code" IS NOT NULL THEN {'code': "error.code", 'message': "error.message"} END`,
  ],
  [
    'predicted',
    `CASE WHEN "predicted.index" IS NULL THEN NULL WHEN "predicted.aboveThreshold" IS NULL THEN to_json({${predicted[0]}}) ELSE to_json({${predicted.join(', ')}}) END`,
  ],
  ['isRight', 'isRight'],
  ['top', 'top'],
  [
    'target',
    `CASE WHEN "target.index" IS NOT NULL THEN {'index': "target.index", 'label': "target.label"} END`,
  ],
  ['score', 'score'],
  ['drop', '"drop"'],
  [
    'lowest',
    `CASE WHEN "lowest.grid" IS NOT NULL THEN {'grid': "lowest.grid", 'row': "lowest.row", 'column': "lowest.column", 'box': CASE WHEN "lowest.box.top" IS NOT NULL THEN {${box.join(', ')}} END} END`,
  ],
  ['flips', 'flips'],
  ['flippedShare', 'flippedShare'],
  ['borderShare', 'borderShare'],
  ['seconds', 'seconds'],
  ['width', 'width'],
  ['height', 'height'],
];

/** A row's JSON. */
export const rowJson = `CAST(to_json({${nested.map(([name, sql]) => `'${name}': ${sql}`).join(', ')}}) AS VARCHAR)`;

/** Columns of a row as its JSON nests them. */
export const nestedColumns = nested.map(([name, sql]) => `${sql} AS "${name}"`).join(', ');

/** Columns of a table of rows: one a field, and the most probable classes as a list. */
export const flatColumns = fieldNames
  .map((name) => (name === 'top.label' ? 'top' : `"${name}"`))
  .join(', ');
