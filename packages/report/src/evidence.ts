import type { ItemLabel } from '@umbra/shared/contracts/dataset';
import type { Faithfulness } from '@umbra/shared/contracts/shard';
import type { Box, Size } from '@umbra/shared/occlusion/grid';

export type NamedClass = { readonly index: number; readonly label: string };

/** Cells on each side of the lattice that maps are averaged over. */
export const latticeSide = 16;

/** A flip of the decision to one class, in one image. */
export type FlipEvidence = {
  /** Null where no class is predicted. */
  readonly to: NamedClass | null;
  /** Positions at which it is predicted. */
  readonly positions: number;
  /** The one of them that lowers the target's score most: by how much, and the patch there, px of the upright photo. */
  readonly drop: number;
  readonly box: Box;
};

/** Everything that a report needs of one finished image: some kilobytes, whatever the photo's size. */
export type ImageEvidence = {
  readonly id: string;
  readonly name: string;
  readonly label: ItemLabel | null;
  /** The class of the model that the label names; null where it names none. */
  readonly labelClass: NamedClass | null;
  /** The most probable class; `aboveThreshold` is false where none is predicted, as in `result.json`. */
  readonly predicted: NamedClass & { readonly aboveThreshold?: boolean };
  /** Whether the label names the predicted class; null without a label, or where it names no class. */
  readonly isRight: boolean | null;
  /** The first target, of which all numbers are. */
  readonly target: NamedClass;
  /** Baseline score in the job's unit, and that minus the lowest one. */
  readonly score: number;
  readonly drop: number;
  readonly lowest: {
    /** Index into the job's patch sizes. */
    readonly grid: number;
    /** The patch, px of the model's input, and of the upright photo. */
    readonly box: Box;
    readonly photoBox: Box;
    /** Whether more than half of the patch lies off the object's box; null without a box. */
    readonly isOffObject: boolean | null;
  };
  /** Extent of the model's input, px. */
  readonly input: Size;
  /**
   * float32 [16, 16]: mean attribution of each cell of the input, over the px that a patch reaches; NaN where none
   * does. Of several patch sizes, the mean of their maps.
   */
  readonly map: Float32Array;
  /** The same around the object: its box is the middle half; NaN off the input. Null without a box. */
  readonly objectMap: Float32Array | null;
  /** `map` of each patch size, where there are several; else empty. */
  readonly sizeMaps: readonly Float32Array[];
  /**
   * The px of the input whose centre lies in the object's box, as shares of its height and width; null without a box,
   * or where the input shows nothing of it: then all that asks for a box is null.
   */
  readonly box: Box | null;
  /** Share of the positive attribution off the box; null without a box, or where none is positive. */
  readonly offObjectShare: number | null;
  /** Share of the positive attribution in the outer tenth of the input; null where none is positive, or not known. */
  readonly borderShare: number | null;
  /** What the two shares would be, were scores independent noise: see `noiseShareOff`. */
  readonly noise: { readonly border: number; readonly offObject: number | null };
  /** Positions that were run, and those at which another class is predicted. */
  readonly computed: number;
  readonly flips: readonly FlipEvidence[];
  readonly faithfulness: Faithfulness | null;
};
