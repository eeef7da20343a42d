import { describe, expect, test } from 'vitest';
import { allOf, parseFilter } from './filters.js';
import { decodeCursor, encodeCursor, parseSorting } from './sorting.js';

describe('a filter', () => {
  test.each([
    ['drop>=0.1', '"drop" >= CAST(? AS DOUBLE)', [0.1]],
    ['flips!=0', '"flips" IS DISTINCT FROM CAST(? AS INTEGER)', [0]],
    ['flips<1.5', '"flips" < CAST(? AS DOUBLE)', [1.5]],
    ['drop>-1e-3', '"drop" > CAST(? AS DOUBLE)', [-0.001]],
    ['state=completed', '"state" = ?', ['completed']],
    ['isRight=false', '"isRight" = ?', [false]],
    ['label=', '"label" IS NULL', []],
    ['label!=', '"label" IS NOT NULL', []],
    ['name~Cat=1', 'contains(lower("name"), lower(?))', ['Cat=1']],
    ["name=x' OR 1=1 --", '"name" = ?', ["x' OR 1=1 --"]],
    ['name=cafe\u0301', '"name" = ?', ['caf\u00e9']],
  ])('%s binds its value', (text, sql, values) => {
    expect(parseFilter(text)).toEqual({ sql, values });
  });

  test.each([
    ['drop', 'Expected FIELD OP VALUE, such as drop>=0.1'],
    ['', 'Expected FIELD OP VALUE'],
    ['drop >= 1', 'Expected FIELD OP VALUE'],
    ['dropped>1', 'Expected a field of rows (id, index, name, label, state, error.code'],
    ['labelIsIndex=true', 'Expected a field of rows'],
    ['constructor=1', 'Expected a field of rows'],
    ['drop>much', "Expected a number after drop>, got 'much'"],
    ['drop>Infinity', 'Expected a number'],
    ['drop>0x10z', 'Expected a number'],
    ['drop>', 'Expected a value after drop>, got none'],
    ['drop~1', 'Expected = != < <= > or >= after drop, got ~'],
    ['isRight=yes', "Expected true or false after isRight=, got 'yes'"],
    ['isRight>true', 'Expected = or != after isRight, got >'],
    ['state=done', 'Expected a state (pending, '],
    ['top.label<b', 'Expected = or != after top.label, got <'],
  ])("'%s' is refused with what was expected", (text, message) => {
    expect(() => parseFilter(text)).toThrow(`where: ${message}`);
  });

  test('all of them must hold', () => {
    expect(allOf([])).toEqual({ sql: 'true', values: [] });
    expect(allOf(['score>1', 'label=a'].map(parseFilter))).toEqual({
      sql: '("score" > CAST(? AS DOUBLE)) AND ("label" = ?)',
      values: [1, 'a'],
    });
  });
});

describe('a cursor', () => {
  test('is read back, with any number and text', () => {
    for (const [sort, value] of [
      ['-drop', 0.1 + 0.2],
      ['name', 'b/\u00e9"\n'],
      ['isRight', true],
      ['label', null],
    ] as const) {
      const sorting = parseSorting(sort);
      const place = { value, index: 7 };
      expect(decodeCursor(sorting, encodeCursor(sorting, place))).toMatchObject(place);
    }
  });

  test.each(['x', '', Buffer.from('{"sort":"drop"}').toString('base64url')])(
    '%j is refused',
    (text) => {
      expect(() => decodeCursor(parseSorting('drop'), text)).toThrow(
        "cursor: Expected a next_cursor of the same sort, 'drop'",
      );
    },
  );

  test('of another order, or with a value of another kind, is refused', () => {
    const place = { value: 1, index: 0 };
    const ofDrop = encodeCursor(parseSorting('drop'), place);
    expect(() => decodeCursor(parseSorting('-drop'), ofDrop)).toThrow("same sort, '-drop'");
    const forged = encodeCursor(parseSorting('name'), place);
    expect(() => decodeCursor(parseSorting('name'), forged)).toThrow('Expected a next_cursor');
  });
});

test('a sort by what is no field is refused', () => {
  expect(() => parseSorting('--drop')).toThrow('sort: Expected a field of rows');
  expect(() => parseSorting('top')).toThrow("got 'top'");
});
