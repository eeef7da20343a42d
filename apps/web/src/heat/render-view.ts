import type { Size } from '@umbra/shared/occlusion/grid';
import { layOutCells } from './cell-layout.js';
import { type Painting, paintHeat } from './paint.js';
import { type DrawnMap, viewSvg } from './view-svg.js';

/** Longer side of a photo that is put into a drawing, px. */
const maxPhotoPx = 1024;
const photoQuality = 0.92;
/** Pixels of a PNG for each unit of the drawing. */
const pngScale = 2;

/**
 * Draw a map with its photo inside, so that the file stands alone.
 *
 * @throws {Error} If the photo cannot be read.
 */
export async function renderSvg(map: Omit<DrawnMap, 'smooth'>): Promise<Blob> {
  const photo = map.photo === null ? null : await embedPhoto(map.photo);
  return new Blob([viewSvg({ ...map, photo, smooth: smoothOf(map) })], { type: 'image/svg+xml' });
}

/** The same drawing in pixels. @throws {Error} If the photo cannot be read. */
export async function renderPng(map: Omit<DrawnMap, 'smooth'>): Promise<Blob> {
  const url = URL.createObjectURL(await renderSvg(map));
  try {
    const picture = await loadPicture(url);
    const canvas = drawnOn(picture, {
      height: picture.naturalHeight * pngScale,
      width: picture.naturalWidth * pngScale,
    });
    return await new Promise((resolve, reject) => {
      canvas.toBlob((png) => (png === null ? reject(unreadable()) : resolve(png)), 'image/png');
    });
  } finally {
    URL.revokeObjectURL(url);
  }
}

function smoothOf({ cells, grid, paint }: Omit<DrawnMap, 'smooth'>): string | null {
  if (!paint.isSmooth) return null;
  return pictureOf(paintHeat(cells, layOutCells(grid), grid.image, paint));
}

function pictureOf({ height, width, pixels }: Painting): string {
  const canvas = canvasOf({ height, width });
  canvas.getContext('2d')?.putImageData(new ImageData(pixels, width, height), 0, 0);
  return canvas.toDataURL('image/png');
}

/** The photo's pixels as an address, no larger than what is worth drawing. */
async function embedPhoto(url: string): Promise<string> {
  const picture = await loadPicture(url);
  const { naturalHeight, naturalWidth } = picture;
  const scale = Math.min(1, maxPhotoPx / Math.max(naturalHeight, naturalWidth));
  const canvas = drawnOn(picture, {
    height: Math.max(1, Math.round(naturalHeight * scale)),
    width: Math.max(1, Math.round(naturalWidth * scale)),
  });
  return canvas.toDataURL('image/jpeg', photoQuality);
}

function drawnOn(picture: HTMLImageElement, extent: Size): HTMLCanvasElement {
  const canvas = canvasOf(extent);
  const context = canvas.getContext('2d');
  // What is clear in a picture would be black where a format has no transparency.
  if (context !== null) context.fillStyle = '#ffffff';
  context?.fillRect(0, 0, extent.width, extent.height);
  context?.drawImage(picture, 0, 0, extent.width, extent.height);
  return canvas;
}

const canvasOf = ({ height, width }: Size): HTMLCanvasElement =>
  Object.assign(document.createElement('canvas'), { height, width });

const loadPicture = (url: string): Promise<HTMLImageElement> =>
  new Promise((resolve, reject) => {
    const picture = new Image();
    picture.onload = () => resolve(picture);
    picture.onerror = () => reject(unreadable());
    picture.src = url;
  });

const unreadable = (): Error => new Error('The photo cannot be drawn.');
