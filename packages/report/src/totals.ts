import type { JobReport, ReportGrouping, ReportMetrics } from '@umbra/shared/contracts/report';
import type { OcclusionSettings } from '@umbra/shared/contracts/settings';
import type { Size } from '@umbra/shared/occlusion/grid';
import { flippedOf, type TestedImage } from './class-group.js';
import type { ImageEvidence } from './evidence.js';

/** Metrics that images give one by one; the others are of what is made of them. */
type ImageMetrics = Pick<
  ReportMetrics,
  'images' | 'accuracy' | 'drop' | 'flipped' | 'off-object' | 'border'
>;

/** Means over all images, whatever their class. */
export type ImageTotals = {
  add(image: ImageEvidence, tested: TestedImage): void;
  /** `label` where at least half of the images have one that names a class. */
  commonGrouping(): ReportGrouping;
  /** Extent of the input, px; null where images have several, or there are none. */
  commonInput(): JobReport['input'];
  /** The half-width to which a class's mean drop is to be known, in the job's unit. */
  tolerance(unit: OcclusionSettings['score']): number;
  metrics(): ImageMetrics;
};

/** A half-width of probabilities; of other scores a part of the mean drop, as they have no scale of their own. */
const tolerances = { probability: 0.02, otherPart: 0.05 };

export function createTotals(): ImageTotals {
  const drop = createMean();
  const absoluteDrop = createMean();
  const flipped = createMean();
  const right = createMean();
  const offObject = createMean();
  const border = createMean();
  let images = 0;
  let labelled = 0;
  const inputs = new Map<string, Size>();
  return {
    add(image, tested) {
      images += 1;
      if (image.labelClass !== null) labelled += 1;
      drop.add(image.drop);
      absoluteDrop.add(Math.abs(image.drop));
      flipped.add(flippedOf(image));
      if (image.isRight !== null) right.add(Number(image.isRight));
      offObject.add(tested.offObject?.share);
      border.add(tested.border?.share);
      // Two extents are as many as any number of them.
      if (inputs.size < 2) inputs.set(`${image.input.height} ${image.input.width}`, image.input);
    },
    commonGrouping: () => (images > 0 && 2 * labelled >= images ? 'label' : 'predicted'),
    commonInput() {
      const [input] = inputs.values();
      return inputs.size === 1 && input !== undefined ? { ...input } : null;
    },
    tolerance: (unit) =>
      unit === 'probability'
        ? tolerances.probability
        : tolerances.otherPart * (absoluteDrop.mean() ?? 0),
    metrics: () => ({
      images,
      accuracy: right.mean(),
      drop: drop.mean(),
      flipped: flipped.mean(),
      'off-object': offObject.mean(),
      border: border.mean(),
    }),
  };
}

function createMean(): { add(value: number | undefined): void; mean(): number | null } {
  let [count, sum] = [0, 0];
  return {
    add(value) {
      if (value === undefined) return;
      count += 1;
      sum += value;
    },
    mean: () => (count === 0 ? null : sum / count),
  };
}
