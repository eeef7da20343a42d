import sharp from 'sharp';

/** sRGB, 8 bits a channel. */
type Colour = readonly number[];

/** A picture's pixels. */
export type Picture = {
  readonly width: number;
  readonly height: number;
  /** @throws {RangeError} outside the picture. */
  at(left: number, top: number): Colour;
};

/** Colours of frames and of signs on figures. */
export const frameLook: Colour = [110, 110, 110];
export const inkLook: Colour = [34, 34, 34];
/** Both colours of what is not known, as texts. */
export const stripedLook: ReadonlySet<string> = new Set(['222,222,222', '140,140,140']);

export const isSameColour = (one: Colour, other: Colour): boolean => String(one) === String(other);

/** Read a picture's file. */
export async function readPicture(file: Buffer): Promise<Picture> {
  const { data, info } = await sharp(file)
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  const { width, height } = info;
  return {
    width,
    height,
    at(left, top) {
      if (left < 0 || top < 0 || left >= width || top >= height) {
        throw new RangeError(`Expected a pixel of ${width} x ${height}, got ${left}, ${top}`);
      }
      const start = (top * width + left) * 3;
      return [...data.subarray(start, start + 3)];
    },
  };
}

/** Find a figure's leftmost frame, the first from above. @returns The upper left corner of what it surrounds. */
export function findFramed({ at, width, height }: Picture): {
  readonly left: number;
  readonly top: number;
} {
  const length = 5;
  for (let left = 0; left + length < width; left++) {
    for (let top = 0; top < height; top++) {
      const across = Array.from({ length }, (_, step) => at(left + step, top));
      if (across.every((colour) => isSameColour(colour, frameLook))) {
        return { left: left + 1, top: top + 1 };
      }
    }
  }
  throw new RangeError('Expected a frame, found none');
}
