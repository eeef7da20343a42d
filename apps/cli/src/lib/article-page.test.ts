import { expect, test } from 'vitest';
import { type Figure, renderPage } from './article-page.js';

const figure = (file: string): Figure => ({
  file,
  title: `Title of ${file} <&">`,
  alt: `What ${file} shows`,
  size: { height: 300, width: 400 },
});
const page = renderPage({ name: 'net <1>', licence: 'MIT', source: 'https://example.org/?a&b' }, [
  { title: 'Alone', words: 'One & only', groups: [[figure('a.png')], []] },
  { title: 'Pairs', words: 'Beside', groups: [[figure('b #1?.png'), figure('c"%.png')]] },
]);
const empty = new Set(['meta', 'img']);

/** Tags in order, with their attributes. */
const tags = [
  ...page
    .replace(/<style>[\s\S]*?<\/style>/, '<style></style>')
    .matchAll(/<(\/?)([a-z][a-z0-9]*)((?: [a-z]+="[^"<>]*")*)>/g),
].map(([, end = '', name = '', attributes = '']) => ({ isEnd: end === '/', name, attributes }));

test('every tag is closed where it must be, and nothing else looks like one', () => {
  const open: string[] = [];
  for (const { isEnd, name } of tags) {
    if (isEnd) expect(open.pop()).toBe(name);
    else if (!empty.has(name)) open.push(name);
  }
  expect(open).toEqual([]);
  const text = page
    .replace(/<style>[\s\S]*?<\/style>/, '')
    .replace('<!doctype html>', '')
    .replaceAll(/<\/?[a-z][a-z0-9]*(?: [a-z]+="[^"<>]*")*>/g, '');
  expect(text).not.toMatch(/[<>]|&(?!(amp|lt|gt|quot);)/);
});

test('figures that are compared lie in one group, and no group is empty', () => {
  const groups = [...page.matchAll(/<div class="([^"]+)">([\s\S]*?)<\/div>/g)].map(
    ([, name, inner = '']) => [name, inner.split('<figure>').length - 1],
  );
  expect(groups).toEqual([
    ['figures', 1],
    ['figures beside', 2],
  ]);
  expect(page).toMatch(
    /@media \(min-width: 48rem\) \{\s*\.beside \{ grid-template-columns: repeat\(2/,
  );
});

test('pictures have alternative words, their extent, and addresses that lead to their files', () => {
  const images = tags.filter(({ name }) => name === 'img').map(({ attributes }) => attributes);
  const read = (attribute: string) =>
    images.map((attributes) => new RegExp(` ${attribute}="([^"]*)"`).exec(attributes)?.[1]);
  expect(read('src').map((address) => decodeURIComponent(address ?? ''))).toEqual([
    'a.png',
    'b #1?.png',
    'c"%.png',
  ]);
  expect(read('src').every((address) => !/[#?"]/.test(address ?? '#'))).toBe(true);
  expect(read('alt')).toEqual([
    'What a.png shows',
    'What b #1?.png shows',
    'What c&quot;%.png shows',
  ]);
  expect([...new Set(read('width')), ...new Set(read('height'))]).toEqual(['400', '300']);
});

test('the page is for light, dark and print, and needs nothing but its pictures', () => {
  expect(page).toContain('color-scheme: light dark');
  expect(page).toContain('@media (prefers-color-scheme: dark)');
  expect(page).toContain('@media print');
  expect(page).not.toMatch(/<(script|link|iframe)|@import|url\(|src="(https?:)?\/\//);
});

test.each(['light', 'dark'] as const)('words and lines have enough contrast on %s', (theme) => {
  const [light = '', dark = ''] = [...page.matchAll(/:root \{[^}]*--ground[^}]*\}/g)].map(String);
  const colours = new Map(
    [...(theme === 'light' ? light : dark).matchAll(/--(\w+): (#[0-9a-f]{6})/g)].map(
      ([, name = '', colour = '']) => [name, luminance(colour)] as const,
    ),
  );
  const contrast = (name: string) => {
    const [one = 0, other = 0] = [colours.get(name), colours.get('ground')];
    return (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
  };
  expect(contrast('words')).toBeGreaterThan(7);
  expect(contrast('link')).toBeGreaterThan(4.5);
  expect(contrast('line')).toBeGreaterThan(3);
});

/** Relative luminance of #rrggbb, as WCAG 2 defines it. */
function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((start) => {
    const value = Number.parseInt(colour.slice(start, start + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
