import { divergingColour } from '@umbra/shared/colour-map';
import { scaleLinear } from 'd3-scale';
import { useLayoutEffect, useRef } from 'react';
import { formatDrop } from '../lib/format.js';

/** The colours from the largest rise to the largest drop, with numbers. @param limit End of the scale. */
export function ColourScale({ limit }: { readonly limit: number }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useLayoutEffect(() => paintBar(canvas.current), []);
  const end = limit === 0 ? 1 : limit;
  const scale = scaleLinear([-end, end], [0, 100]);
  return (
    <figure className="scale">
      <canvas ref={canvas} className="scale-bar" width={barPx} height={1} />
      <div className="scale-ticks" aria-hidden="true">
        {limit > 0 &&
          scale.ticks(4).map((tick) => (
            <span key={tick} className="scale-tick" style={{ left: `${scale(tick)}%` }}>
              {formatDrop(tick)}
            </span>
          ))}
      </div>
      <figcaption className="scale-words">
        <span>blue: covering it raises the score</span>
        <span>red: covering it lowers the score</span>
      </figcaption>
    </figure>
  );
}

const barPx = 256;

function paintBar(canvas: HTMLCanvasElement | null): void {
  const pixels = new Uint8ClampedArray(barPx * 4);
  for (let x = 0; x < barPx; x++) {
    pixels.set([...divergingColour((2 * x) / (barPx - 1) - 1), 255], x * 4);
  }
  canvas?.getContext('2d')?.putImageData(new ImageData(pixels, barPx, 1), 0, 0);
}
