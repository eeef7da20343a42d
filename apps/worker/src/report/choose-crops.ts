import type { PatchCluster } from '@umbra/shared/contracts/report';
import type { Box } from '@umbra/shared/occlusion/grid';

/** A part of an image's photo that the report shows, px of the upright photo. */
export type Crop = { readonly image: string; readonly box: Box };

const maxCrops = 2_000;
const cropsOfCluster = 12;

/** Choose what is cut out: the first members of each cluster, of the weightiest first. */
export const chooseCrops = (clusters: readonly PatchCluster[]): readonly Crop[] =>
  clusters
    .flatMap(({ members }) => members.slice(0, cropsOfCluster))
    .map(({ id, box }) => ({ image: id, box }))
    .slice(0, maxCrops);
