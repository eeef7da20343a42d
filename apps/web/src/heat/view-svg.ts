import { divergingColour } from '@umbra/shared/colour-map';
import { type Box, type Grid, patchBox, type Size } from '@umbra/shared/occlusion/grid';
import { formatDrop } from '../lib/format.js';
import type { Cell } from '../lib/view-state.js';
import { layOutCells } from './cell-layout.js';
import type { ScoreCells } from './cells.js';
import { cellColours, type PaintOptions, type Rgba } from './paint.js';
import { dropWords, scaleTicks } from './scale-ticks.js';

/** A map as it is looked at. */
export type DrawnMap = {
  readonly cells: ScoreCells;
  readonly grid: Grid;
  /** Extent of the picture, px: the photo's, or the model's input's where the map stands alone. */
  readonly whole: Size;
  /** Where the map lies in it, px. */
  readonly region: Box;
  /** Address of the photo, which may be its bytes; null where the map stands alone. */
  readonly photo: string | null;
  readonly paint: PaintOptions;
  /** Whether the map is drawn at all. */
  readonly hasMap: boolean;
  /** Address of a picture of the map, where it is no cells: smooth ones are drawn by pixels. */
  readonly smooth: string | null;
  readonly pin: Cell | null;
  /** What is shown, line by line: the first is the title. */
  readonly words: readonly string[];
};

/** Longer side of the photo in the drawing, and what surrounds it, in its own units. */
const longSide = 960;
const minWidth = 480;
const margin = 24;
const lineHeight = 26;
const barHeight = 16;

/** Draw a map over its photo, with its colour scale, numbers and words, as an SVG of rectangles. */
export function viewSvg(map: DrawnMap): string {
  const { whole, region, photo, paint, hasMap, words } = map;
  const scale = longSide / Math.max(whole.height, whole.width);
  const picture = { height: whole.height * scale, width: whole.width * scale };
  const width = Math.max(minWidth, picture.width) + 2 * margin;
  const left = (width - picture.width) / 2;
  const below = margin + picture.height + 16;
  const legend = hasMap ? scaleOf(paint.limit, { y: below, width: width - 2 * margin }) : '';
  const wordsTop = below + (hasMap ? barHeight + 64 : 12);
  const height = wordsTop + words.length * lineHeight + margin / 2;
  const isOver = photo !== null && paint.layer === 'over' && hasMap;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${round(width)}" height="${round(height)}" viewBox="0 0 ${round(width)} ${round(height)}" font-family="sans-serif" font-size="16">`,
    `<title>${escapeXml(words[0] ?? '')}</title>`,
    definitions,
    `<rect width="100%" height="100%" fill="#ffffff"/>`,
    `<g transform="translate(${round(left)} ${margin}) scale(${scale})">`,
    photo === null
      ? ''
      : `<image href="${escapeXml(photo)}" width="${whole.width}" height="${whole.height}" preserveAspectRatio="none"${isOver ? ' filter="url(#pale)"' : ''}/>`,
    photo === null ? '' : unseen(whole, region),
    mapIn(map),
    '</g>',
    legend,
    ...words.map(
      (line, index) =>
        `<text x="${margin}" y="${round(wordsTop + index * lineHeight)}"${index === 0 ? ' font-weight="bold"' : ''} fill="#1a1e26">${escapeXml(line)}</text>`,
    ),
    '</svg>',
  ]
    .filter((part) => part !== '')
    .join('\n');
}

/** Paler, as on the page, so that a colour is the map's and not the photo's; and what is not known yet. */
const definitions = `<defs>
<filter id="pale" color-interpolation-filters="sRGB"><feColorMatrix type="saturate" values="0.3"/></filter>
<pattern id="unknown" width="8" height="8" patternUnits="userSpaceOnUse"><rect width="8" height="8" fill="#808080" fill-opacity="0.22"/><path d="M-2 2 2 -2M0 8 8 0M6 10 10 6" stroke="#808080" stroke-opacity="0.6" stroke-width="2"/></pattern>
<linearGradient id="scale">${gradient()}</linearGradient>
</defs>`;

function gradient(): string {
  const count = 32;
  return Array.from({ length: count + 1 }, (_, index) => {
    const [red, green, blue] = divergingColour((2 * index) / count - 1);
    return `<stop offset="${index / count}" stop-color="rgb(${red},${green},${blue})"/>`;
  }).join('');
}

/** Dims what the model never saw, as on the page. */
function unseen({ height, width }: Size, { top, left, bottom, right }: Box): string {
  const hole = `M${round(left)} ${round(top)}V${round(bottom)}H${round(right)}V${round(top)}Z`;
  return `<path d="M0 0H${width}V${height}H0Z${hole}" fill-rule="evenodd" fill-opacity="0.55"/>`;
}

/** The map in its region, in px of the model's input. */
function mapIn({ cells, grid, region, paint, hasMap, smooth, pin }: DrawnMap): string {
  const { height, width } = grid.image;
  const [y, x] = [(region.bottom - region.top) / height, (region.right - region.left) / width];
  const heat =
    smooth === null
      ? cellRects(cells, grid, paint)
      : `<image href="${escapeXml(smooth)}" width="${width}" height="${height}" preserveAspectRatio="none"/>`;
  return [
    `<g transform="translate(${round(region.left)} ${round(region.top)}) scale(${x} ${y})">`,
    hasMap ? heat : '',
    pin === null ? '' : outline(patchBox(grid, pin.row, pin.column)),
    '</g>',
  ].join('');
}

/** A rectangle for each run of cells of one colour in a row; none where nothing is painted. */
function cellRects(cells: ScoreCells, grid: Grid, paint: PaintOptions): string {
  const { yBorders, xBorders } = layOutCells(grid);
  const fills = cellColours(cells, paint).map(fillOf);
  const rects: string[] = [];
  for (let row = 0; row < cells.rows; row++) {
    const [top = 0, bottom = 0] = yBorders.slice(row, row + 2);
    for (let column = 0, end = 0; column < cells.columns; column = end) {
      const fill = fills[row * cells.columns + column];
      for (end = column + 1; end < cells.columns; end++) {
        if (fills[row * cells.columns + end] !== fill) break;
      }
      const [left = 0, right = 0] = [xBorders[column], xBorders[end]];
      if (fill === '') continue;
      rects.push(
        `<rect x="${round(left)}" y="${round(top)}" width="${round(right - left)}" height="${round(bottom - top)}" ${fill}/>`,
      );
    }
  }
  return `<g shape-rendering="crispEdges">${rects.join('')}</g>`;
}

function fillOf(colour: Rgba | undefined): string {
  if (colour === undefined) return 'fill="url(#unknown)"';
  const [red, green, blue, alpha] = colour;
  if (alpha === 0) return '';
  const opacity = alpha === 255 ? '' : ` fill-opacity="${round(alpha / 255)}"`;
  return `fill="rgb(${red},${green},${blue})"${opacity}`;
}

const outline = ({ top, left, bottom, right }: Box): string =>
  ['#11141a" stroke-width="7', '#ffffff" stroke-width="3']
    .map(
      (stroke) =>
        `<rect x="${left}" y="${top}" width="${right - left}" height="${bottom - top}" fill="none" stroke="${stroke}" vector-effect="non-scaling-stroke"/>`,
    )
    .join('');

function scaleOf(
  limit: number,
  { y, width }: { readonly y: number; readonly width: number },
): string {
  const ticks = scaleTicks(limit).map(
    ({ value, share }) =>
      `<text x="${round(margin + share * width)}" y="${round(y + barHeight + 18)}" text-anchor="middle" font-size="14" fill="#565d6b">${formatDrop(value)}</text>`,
  );
  const wordsY = round(y + barHeight + 38);
  return [
    `<rect x="${margin}" y="${round(y)}" width="${round(width)}" height="${barHeight}" fill="url(#scale)"/>`,
    ...ticks,
    `<text x="${margin}" y="${wordsY}" font-size="14" fill="#565d6b">${dropWords.blue}</text>`,
    `<text x="${round(margin + width)}" y="${wordsY}" font-size="14" text-anchor="end" fill="#565d6b">${dropWords.red}</text>`,
  ].join('\n');
}

const round = (value: number): number => Math.round(value * 1000) / 1000;

const escapeXml = (text: string): string =>
  text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
