import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { folderName } from './archive-images.js';

describe('folderName', () => {
  test.each([
    ['cat.jpg', 'cat'],
    ['animals/cat.tar.gz', 'cat.tar'],
    ['Žluťoučký kůň.png', 'Žluťoučký_kůň'],
    ['../../etc/passwd', 'passwd'],
    ['..\\..\\boot.ini', 'boot'],
    ['/absolute.png', 'absolute'],
    ['..', 'image'],
    ['.png', 'image'],
    ['a\u0000b\nc.png', 'a_b_c'],
    ['C:\\photos\\x?.png', 'x_'],
  ])('of %j is %j', (name, expected) => {
    expect(folderName(name)).toBe(expected);
  });

  test('never leaves the folder, is hidden, or is too long for a file system', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1, maxLength: 300 }), (name) => {
        const folder = folderName(name);
        expect(folder).not.toMatch(/[/\\:\p{Cc}]|^\./u);
        expect(Buffer.byteLength(`${folder}__img_00000000`)).toBeLessThanOrEqual(255);
      }),
    );
  });
});
