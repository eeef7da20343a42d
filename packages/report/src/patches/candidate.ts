import type { ClassReport, PatchReport } from '@umbra/shared/contracts/report';
import type { Box, Size } from '@umbra/shared/occlusion/grid';

/** The decisive patch of one image: where the target's score is lowest. */
export type PatchCandidate = {
  readonly id: string;
  readonly name: string;
  /** The group of images that it stands for. */
  readonly class: ClassReport['class'];
  /** Baseline score minus the lowest one, and the baseline score, in the job's unit. */
  readonly drop: number;
  readonly score: number;
  /** The patch, px of the model's input, and of the upright photo. */
  readonly box: Box;
  readonly photoBox: Box;
  /** Whether more than half of it lies off the object's box; null without a box. */
  readonly isOffObject: boolean | null;
  /** Extent of the model's input, px. */
  readonly input: Size;
};

/** A candidate with what the model sees in it: mean activations of a layer's channels, at least one. */
export type SeenPatch = PatchCandidate & { readonly features: Float32Array };

export type ClusteredPatches = Pick<PatchReport, 'choices' | 'clusters'> & {
  /** The cluster of each patch, by its image: of all, where clusters list their nearest alone. */
  readonly members: readonly { readonly id: string; readonly cluster: number }[];
};
