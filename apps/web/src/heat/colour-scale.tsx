import { divergingColour, sequentialColour } from '@umbra/shared/colour-map';
import { useLayoutEffect, useRef } from 'react';
import { formatDrop } from '../lib/format.js';
import { dropWords, scaleTicks } from './scale-ticks.js';

export type ColourScaleProps = {
  /** End of the scale. */
  readonly limit: number;
  /** What the colours of the two ends stand for. */
  readonly words?: { readonly blue: string; readonly red: string };
  /** Whether it begins at 0, of numbers that are never below. */
  readonly isFromZero?: boolean;
};

/** The colours from the largest rise to the largest drop, with numbers. */
export function ColourScale({ limit, words = dropWords, isFromZero = false }: ColourScaleProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useLayoutEffect(() => paintBar(canvas.current, isFromZero), [isFromZero]);
  const ticks = scaleTicks(limit, isFromZero ? 0 : -limit);
  return (
    <figure className="scale">
      <canvas ref={canvas} className="scale-bar" width={barPx} height={1} />
      <div className="scale-ticks" aria-hidden="true">
        {ticks.map(({ value, share }) => (
          <span key={value} className="scale-tick" style={{ left: `${share * 100}%` }}>
            {isFromZero ? formatDrop(value).replace('+', '') : formatDrop(value)}
          </span>
        ))}
      </div>
      <figcaption className="scale-words">
        <span>{words.blue}</span>
        <span>{words.red}</span>
      </figcaption>
    </figure>
  );
}

const barPx = 256;

function paintBar(canvas: HTMLCanvasElement | null, isFromZero: boolean): void {
  const pixels = new Uint8ClampedArray(barPx * 4);
  for (let x = 0; x < barPx; x++) {
    const share = x / (barPx - 1);
    const colour = isFromZero ? sequentialColour(share) : divergingColour(2 * share - 1);
    pixels.set([...colour, 255], x * 4);
  }
  canvas?.getContext('2d')?.putImageData(new ImageData(pixels, barPx, 1), 0, 0);
}
