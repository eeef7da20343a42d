import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { describeBadFilePath, describeBadPath, resultFolder } from './file-names.js';

const id = 'img_00000000';
const folderOf = (name: string): string => resultFolder({ id, name }).replace(`__${id}`, '');

describe('resultFolder', () => {
  test.each([
    ['cat.jpg', 'cat'],
    ['animals/cat.tar.gz', 'cat.tar'],
    ['Žluťoučký kůň.png', 'Žluťoučký_kůň'],
    ['cafe\u0301.png', 'caf\u00e9'],
    ['हिन्दी.png', 'हिन्दी'],
    ['../../etc/passwd', 'passwd'],
    ['..\\..\\boot.ini', 'boot'],
    ['/absolute.png', 'absolute'],
    ['..', 'image'],
    ['.png', 'image'],
    ['a"b.png', 'a_b'],
    ['a\u0000b\nc.png', 'a_b_c'],
    ['C:\\photos\\x?.png', 'x_'],
    ['a'.repeat(55), 'a'.repeat(55)],
    [`${'長'.repeat(80)}.png`, `${'長'.repeat(46)}-71d55c0a`],
  ])('of %j is %j', (name, expected) => {
    expect(folderOf(name)).toBe(expected);
  });

  test('two long names that begin alike have two folders', () => {
    const long = 'a'.repeat(200);
    expect(folderOf(`${long}1.png`)).not.toBe(folderOf(`${long}2.png`));
  });

  test('never leaves the folder, is hidden, or is too long for a file system', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1, maxLength: 300 }), (name) => {
        const folder = resultFolder({ id, name });
        expect(folder).not.toMatch(/[/\\:\p{Cc}]|^\./u);
        expect(Buffer.byteLength(folder)).toBeLessThanOrEqual(255);
      }),
    );
  });
});

describe('a path', () => {
  test.each(['a.png', 'cats/a b (1)/é "x".png', '写真/猫.jpg', '...', '.a', 'a..b'])(
    '%j is a plain one',
    (path) => {
      expect(describeBadPath(path)).toBeNull();
    },
  );

  test.each([
    ['', 'an empty one'],
    ['a\tb.png', 'the control character U+0009 in "a\\tb.png"'],
    ['a\nb.png', 'the control character U+000A in "a\\nb.png"'],
    ['a\\b.png', "a backslash in 'a\\b.png'"],
    ['a\ufffdb.png', "bytes that are not UTF-8 in 'a\ufffdb.png'"],
    ['/etc/a.png', "the absolute path '/etc/a.png'"],
    ['C:/a.png', "the absolute path 'C:/a.png'"],
    ['a/../b.png', "the folder '..' in 'a/../b.png'"],
    ['./b.png', "the folder '.' in './b.png'"],
    ['a//b.png', "an empty folder name in 'a//b.png'"],
    ['a/', "an empty folder name in 'a/'"],
    ['a'.repeat(1025), '1025 characters, of at most 1024'],
  ])('%j is refused: %s', (path, reason) => {
    expect(describeBadPath(path)).toBe(reason);
  });

  test('of a file has bounds in bytes, for itself and for each name', () => {
    expect(describeBadFilePath(`weights/${'é'.repeat(127)}`, 512)).toBeNull();
    expect(describeBadFilePath(`a/${'é'.repeat(128)}`, 512)).toContain('a name of 256 bytes');
    expect(describeBadFilePath('a/'.repeat(300), 512)).toContain('an empty folder name');
    expect(describeBadFilePath(`${'a/'.repeat(300)}b`, 512)).toContain('601 bytes, of at most 512');
  });
});
