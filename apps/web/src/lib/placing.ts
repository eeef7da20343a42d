import type { Size } from '@umbra/shared/occlusion/grid';

/** Where a picture lies in a frame: its upper left corner, px of the frame, and px of the frame for one of it. */
export type Placing = { readonly x: number; readonly y: number; readonly scale: number };

/** A point of the frame, px. */
export type FramePoint = { readonly x: number; readonly y: number };

export type PictureFrame = { readonly picture: Size; readonly frame: Size };

/** A pixel may be so large, px. */
const maxScale = 32;

/** The scale at which all of the picture is seen, and no pixel is blurred by enlarging it in part. */
export function fittingScale({ picture, frame }: PictureFrame): number {
  const scale = Math.min(frame.width / picture.width, frame.height / picture.height);
  return scale >= 1 ? Math.min(maxScale, Math.floor(scale)) : scale;
}

/** Show all of the picture, in the middle. */
export const fitInto = (sizes: PictureFrame): Placing =>
  settle({ x: 0, y: 0, scale: fittingScale(sizes) }, sizes);

/** Enlarge or shrink the picture about a point of the frame, which stays over the same px of it. */
export function zoomAbout(
  { x, y, scale }: Placing,
  factor: number,
  point: FramePoint,
  sizes: PictureFrame,
): Placing {
  const least = Math.min(1, fittingScale(sizes));
  const next = Math.min(maxScale, Math.max(least, scale * factor));
  const grown = next / scale;
  const moved = { x: point.x - (point.x - x) * grown, y: point.y - (point.y - y) * grown };
  return settle({ ...moved, scale: next }, sizes);
}

/** Move the picture, px of the frame. */
export const panBy = ({ x, y, scale }: Placing, by: FramePoint, sizes: PictureFrame): Placing =>
  settle({ x: x + by.x, y: y + by.y, scale }, sizes);

/** A picture larger than its frame covers it, and a smaller one is in the middle, along each axis. */
function settle({ x, y, scale }: Placing, { picture, frame }: PictureFrame): Placing {
  const along = (start: number, extent: number, room: number) =>
    extent <= room ? (room - extent) / 2 : Math.min(0, Math.max(room - extent, start));
  return {
    x: along(x, picture.width * scale, frame.width),
    y: along(y, picture.height * scale, frame.height),
    scale,
  };
}
