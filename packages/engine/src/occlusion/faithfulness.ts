import { at } from '@umbra/shared/assert';
import type { Faithfulness } from '@umbra/shared/contracts/shard';
import type { Frame } from '@umbra/shared/occlusion/frame';
import type { Box, Size } from '@umbra/shared/occlusion/grid';
import type { SharedImage } from '../image/shared-image.js';
import type { RankRange } from './copy.js';
import { evaluateRanks, type WholeModel } from './evaluate.js';

export type FaithfulnessArguments = {
  /** float32 [height, width], one a target. */
  readonly attributions: readonly Float32Array[];
  /** Index of each target's class. */
  readonly targets: readonly number[];
  /** Pixels are replaced in this many equal steps. */
  readonly steps: number;
  readonly frame: Frame;
  /** The object's box, px of the photo. */
  readonly box?: Box | undefined;
  readonly signal?: AbortSignal | undefined;
};

/**
 * Measure how well attributions show what the model rests on.
 *
 * Deletion replaces the most important pixels of the image first, insertion puts them into the
 * filled image first; both watch the target's probability whatever the score of the run. Pixels of
 * equal attribution go in reading order, so nothing here is random.
 *
 * @see Petsiuk, Das, Saenko, "RISE", BMVC 2018, for deletion and insertion; Zhang et al., "Top-down
 *   neural attention by excitation backprop", ECCV 2016, for the pointing game.
 */
export async function measureFaithfulness(
  model: WholeModel,
  image: SharedImage,
  { attributions, targets, steps, frame, box, signal }: FaithfulnessArguments,
): Promise<Faithfulness[]> {
  const measured: Faithfulness[] = [];
  for (const [nth, index] of targets.entries()) {
    const attribution = at(attributions, nth);
    const curves = new Float64Array(2 * (steps + 1));
    const replaced = {
      ranks: rankPixels(attribution),
      ranges: rangesOf(attribution.length, steps),
    };
    await evaluateRanks(model, image, replaced, {
      signal,
      onOutputs(start, outputs) {
        const { width } = model.head;
        for (let step = 0; step < outputs.length / width; step++) {
          const output = outputs.subarray(step * width, (step + 1) * width);
          curves[start + step] = model.head.score(output, index, 'probability');
        }
      },
    });
    measured.push({
      deletion: area(curves.subarray(0, steps + 1)),
      insertion: area(curves.subarray(steps + 1)),
      pointingGame:
        box === undefined ? null : hitsBox(attribution, { size: image.size, frame }, box),
    });
  }
  return measured;
}

/** Ranks to replace at each step: first the deletion's steps, then the insertion's. */
function rangesOf(pixels: number, steps: number): RankRange[] {
  const cuts = Array.from({ length: steps + 1 }, (_, step) => Math.round((step * pixels) / steps));
  return [
    ...cuts.map((cut) => ({ from: 0, to: cut })),
    ...cuts.map((cut) => ({ from: cut, to: pixels })),
  ];
}

/** Rank pixels by attribution. @returns int32 [height, width]: 0 for the pixel of the largest attribution, and so on. */
export function rankPixels(attribution: Float32Array): SharedArrayBuffer {
  const order = Uint32Array.from(attribution.keys()).sort(
    // Hot: `order` holds indices of the attribution.
    (a, b) => (attribution[b] as number) - (attribution[a] as number) || a - b,
  );
  const shared = new SharedArrayBuffer(attribution.length * 4);
  const ranks = new Int32Array(shared);
  for (const [rank, pixel] of order.entries()) ranks[pixel] = rank;
  return shared;
}

/** Mean height of a curve of two values or more over equal steps, by trapezoids. */
export function area(curve: Float64Array): number {
  const ends = (at(curve, 0) + at(curve, curve.length - 1)) / 2;
  return (curve.reduce((sum, value) => sum + value, 0) - ends) / (curve.length - 1);
}

/** Patches give plateaus: what counts is where most of the pixels of the largest attribution are. */
const plateau = 1e-6;

/** Whether the largest attribution lies in a box of the photo, mapped into the input's frame. */
export function hitsBox(
  attribution: Float32Array,
  { size: { width }, frame }: { readonly size: Size; readonly frame: Frame },
  box: Box,
): boolean {
  const { photo, resized, crop } = frame;
  const largest = attribution.reduce((max, value) => Math.max(max, value), -Infinity);
  const limit = largest - plateau * Math.abs(largest);
  let inside = 0;
  let all = 0;
  for (const [pixel, value] of attribution.entries()) {
    if (value < limit) continue;
    all += 1;
    const x = ((crop.left + (pixel % width) + 0.5) * photo.width) / resized.width;
    const y = ((crop.top + Math.floor(pixel / width) + 0.5) * photo.height) / resized.height;
    if (x >= box.left && x < box.right && y >= box.top && y < box.bottom) inside += 1;
  }
  return 2 * inside > all;
}
