/** sRGB, 8 bits a channel. */
export type Colour = readonly [red: number, green: number, blue: number];

/**
 * A diverging colour map around zero: near-white in the middle, red for what supports the class,
 * blue for what speaks against it.
 *
 * Lightness falls and chroma rises in step with the size of the value, in the OKLab space, so equal
 * steps look equal and both signs weigh the same; it also survives printing in grey.
 *
 * @param value In [-1, 1]; clamped.
 * @returns sRGB, 8 bits a channel.
 */
export function divergingColour(value: number): Colour {
  const size = Math.min(1, Math.abs(value));
  const hue = value < 0 ? 255 : 29;
  return fromOklch(0.975 - 0.525 * size, 0.185 * size ** 0.8, hue);
}

/**
 * A sequential colour map from near-black over red to near-white, in even steps of lightness.
 *
 * @param value In [0, 1]; clamped.
 * @returns sRGB, 8 bits a channel.
 */
export function sequentialColour(value: number): Colour {
  const level = Math.min(1, Math.max(0, value));
  const chroma = 0.17 * Math.sin(Math.PI * level) ** 0.7;
  return fromOklch(0.13 + 0.84 * level, chroma, 345 + 100 * level);
}

/** Convert OKLCh to sRGB. @see https://bottosson.github.io/posts/oklab/ for the space and its matrices. */
function fromOklch(lightness: number, chroma: number, hueDegrees: number): Colour {
  const hue = (hueDegrees * Math.PI) / 180;
  const a = chroma * Math.cos(hue);
  const b = chroma * Math.sin(hue);
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    toSrgb(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
    toSrgb(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
    toSrgb(-0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s),
  ];
}

function toSrgb(linear: number): number {
  const clamped = Math.min(1, Math.max(0, linear));
  const encoded = clamped <= 0.0031308 ? 12.92 * clamped : 1.055 * clamped ** (1 / 2.4) - 0.055;
  return Math.round(encoded * 255);
}
