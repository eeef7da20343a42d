import type { FlipEdge, PatchCluster } from '@umbra/shared/contracts/report';
import type { Box } from '@umbra/shared/occlusion/grid';

/** A part of an image's photo that the report shows: its name, and px of the upright photo. */
export type Crop = { readonly name: string; readonly image: string; readonly box: Box };

const maxCrops = 2_000;
const cropsOfCluster = 12;

/** Choose what is cut out: the first members of each cluster, then examples of flips, the weightiest first. */
export function chooseCrops(
  clusters: readonly PatchCluster[],
  flips: readonly FlipEdge[],
): readonly Crop[] {
  const ofClusters = clusters.flatMap(({ members }) =>
    members.slice(0, cropsOfCluster).map(({ id, box }) => ({ name: id, image: id, box })),
  );
  const ofFlips = flips.flatMap(({ to, examples }) =>
    examples.map(({ id, box }) => ({ name: `${id}-${to?.index ?? 'none'}`, image: id, box })),
  );
  const named = new Map([...ofClusters, ...ofFlips].map((crop) => [crop.name, crop]));
  return [...named.values()].slice(0, maxCrops);
}
