import { divergingColour } from '@umbra/shared/colour-map';
import { planGrid } from '@umbra/shared/occlusion/grid';
import { expect, test } from 'vitest';
import type { ScoreCells } from './cells.js';
import { type DrawnMap, viewSvg } from './view-svg.js';

const image = { height: 32, width: 48 };
const grid = planGrid(image, { height: 16, width: 16 }, { y: 16, x: 16 }, 'clip');
const cells: ScoreCells = {
  rows: 2,
  columns: 3,
  baseline: 0.5,
  scores: Float32Array.of(0.5, 0, 0, 1, Number.NaN, 0.5),
  predictedClasses: new Int32Array(6),
};
const drawn: DrawnMap = {
  ...{ cells, grid, whole: { height: 64, width: 120 } },
  region: { top: 0, left: 12, bottom: 64, right: 108 },
  photo: 'data:image/jpeg;base64,AAAA',
  paint: { limit: 0.5, isSmooth: false, layer: 'over', opacity: 0.8 },
  ...{ hasMap: true, smooth: null, pin: { row: 0, column: 1 }, words: ['cat.jpg', 'tabby'] },
};
/** The cells: neither the scale's rectangle nor the outline of a pinned patch. */
const cellPattern =
  /<rect x="(\d+)" y="(\d+)" width="(\d+)" height="(\d+)" (fill="(?:rgb|url\(#unknown)[^/]*)\/>/g;
const rectsOf = (svg: string) =>
  [...svg.matchAll(cellPattern)].map(([, x, y, width, height, fill]) => [
    [x, y, width, height].map(Number),
    fill,
  ]);
const strong = (value: number) => `fill="rgb(${divergingColour(value).join(',')})"`;

test('cells are rectangles of their colours, joined where neighbours have the same', () => {
  // The first and the last cell have no drop, and are clear over a photo.
  expect(rectsOf(viewSvg(drawn))).toEqual([
    [[16, 0, 32, 16], `${strong(1)} fill-opacity="0.8"`],
    [[0, 16, 16, 16], `${strong(-1)} fill-opacity="0.8"`],
    [[16, 16, 16, 16], 'fill="url(#unknown)"'],
  ]);
});

test('a map that stands alone is opaque, and has no photo', () => {
  const alone = viewSvg({
    ...drawn,
    ...{ whole: image, region: { top: 0, left: 0, bottom: 32, right: 48 }, photo: null },
    paint: { ...drawn.paint, layer: 'map' },
  });
  expect(rectsOf(alone).map(([, fill]) => fill)).toEqual([
    ...[strong(0), strong(1), strong(-1), 'fill="url(#unknown)"', strong(0)],
  ]);
  expect(alone).not.toContain('<image');
  expect(alone).not.toContain('evenodd');
});

test('it lies on its photo where the model saw it, and the rest is dimmed', () => {
  const svg = viewSvg(drawn);
  // 960 for the photo's 120 px: 8 each; the input's 48 px are 96 of the photo.
  expect(svg).toContain('translate(24 24) scale(8)');
  expect(svg).toContain('<g transform="translate(12 0) scale(2 2)">');
  expect(svg).toContain('<path d="M0 0H120V64H0ZM12 0V64H108V0Z"');
  expect(svg).toContain('<image href="data:image/jpeg;base64,AAAA" width="120" height="64"');
  // The pinned patch.
  expect(svg).toContain('<rect x="16" y="0" width="16" height="16" fill="none"');
});

test('it says its scale and its words, whatever is in them', () => {
  const svg = viewSvg({ ...drawn, words: ['a<b>&"c"'] });
  for (const text of ['−0.4', '0', '+0.4', 'red: covering it lowers the score']) {
    expect(svg).toContain(`>${text}</text>`);
  }
  expect(svg).toContain('<title>a&#60;b&#62;&#38;&#34;c&#34;</title>');
  expect(svg).not.toContain('<b>');
});

test('a photo alone has no scale', () => {
  const svg = viewSvg({ ...drawn, hasMap: false, pin: null });
  expect(svg).not.toContain('url(#scale)');
  expect(rectsOf(svg)).toEqual([]);
});

test('smooth maps are the picture that was painted', () => {
  const svg = viewSvg({ ...drawn, smooth: 'data:image/png;base64,BBBB' });
  expect(svg).toContain('<image href="data:image/png;base64,BBBB" width="48" height="32"');
  expect(rectsOf(svg)).toEqual([]);
});
