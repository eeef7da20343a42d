import { type Colour, divergingColour, sequentialColour } from '@umbra/shared/colour-map';
import { useLayoutEffect, useRef } from 'react';
import type { Lattice } from '../lib/lattice.js';

export type LatticeMapProps = {
  readonly lattice: Lattice;
  /** End of the colour scale. */
  readonly limit: number;
  /** Colours of numbers around 0, or of those that are never below it. */
  readonly scale: 'around-0' | 'from-0';
  /** Whether the object's box is drawn: the middle half. */
  readonly hasBox: boolean;
  /** Says what it shows, with its numbers. */
  readonly alt: string;
};

/** Numbers of a lattice in the colours of heat; what is not known is hatched. */
export function LatticeMap({ lattice, limit, scale, hasBox, alt }: LatticeMapProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useLayoutEffect(() => paint(canvas.current, lattice, { limit, scale }), [lattice, limit, scale]);
  return (
    <div className="lattice" role="img" aria-label={alt}>
      <canvas ref={canvas} className="lattice-cells" />
      {hasBox && <span className="lattice-box" />}
    </div>
  );
}

/** Px of the painting on each side of a cell: room for a hatch. */
const cellPx = 8;
const unknown = [128, 128, 128, 40] as const;
const hatched = [128, 128, 128, 110] as const;

function paint(
  canvas: HTMLCanvasElement | null,
  { rows, columns, values }: Lattice,
  { limit, scale }: Pick<LatticeMapProps, 'limit' | 'scale'>,
): void {
  if (canvas === null) return;
  const [height, width] = [rows * cellPx, columns * cellPx];
  const toColour = scale === 'around-0' ? divergingColour : sequentialColour;
  const colours = Array.from(values, (value): Colour | null =>
    Number.isNaN(value) ? null : toColour(limit === 0 ? 0 : value / limit),
  );
  const pixels = new Uint8ClampedArray(height * width * 4);
  for (let at = 0; at < height * width; at++) {
    const [y, x] = [Math.floor(at / width), at % width];
    const colour = colours[Math.floor(y / cellPx) * columns + Math.floor(x / cellPx)] ?? null;
    const hatch = (x + y) % cellPx < 2 ? hatched : unknown;
    pixels.set(colour === null ? hatch : [...colour, 255], at * 4);
  }
  canvas.height = height;
  canvas.width = width;
  canvas.getContext('2d')?.putImageData(new ImageData(pixels, width, height), 0, 0);
}
