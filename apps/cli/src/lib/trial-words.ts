import type { Trial } from '@umbra/client';
import { escapeHidden } from '@umbra/shared/visible-text';

type Result = NonNullable<Trial['result']>;
type ArmChange = Result['cover']['difference'];

const notPasted =
  'No image of another class could take it: there are fewer than two, it fits in none of them, or their photos cannot be read.';

/** What a trial has shown, in sentences; nothing while it has no result. */
export function describeTrial({ class: named, result }: Trial): string {
  if (result === null) return '';
  const label = `'${escapeHidden(named?.label ?? '')}'`;
  const { cover, coverElsewhere, paste, pasteOther, coverEffect, pasteEffect } = result;
  const covering = `Covering it in ${cover.images} images of ${label} ${formatLoss(cover.difference)}; covering as much elsewhere ${formatLoss(coverElsewhere.difference)}. The difference, its own effect, ${formatLoss(coverEffect.right)}.`;
  if (paste === null) return `${covering}\n${notPasted}`;
  const pasting = `Pasting it onto ${paste.images} images of other classes ${formatTurn(paste.asClass.difference, label)}`;
  const control =
    pasteOther === null || pasteEffect === null
      ? ''
      : `; pasting what others have there ${formatTurn(pasteOther.asClass.difference, label)}. The difference, its own effect, ${formatTurn(pasteEffect.asClass, label)}`;
  return `${covering}\n${pasting}${control}.`;
}

/** Accuracy after minus before, as what is lost: `loses 41.2 accuracy points (37.0 to 45.1)`. */
function formatLoss({ mean, low, high }: ArmChange): string {
  return mean <= 0
    ? `loses ${points(-mean)} accuracy points (${points(-high)} to ${points(-low)})`
    : `gains ${points(mean)} accuracy points (${points(low)} to ${points(high)})`;
}

const formatTurn = ({ mean, low, high }: ArmChange, label: string): string =>
  mean >= 0
    ? `makes ${points(mean)} points more of them ${label} (${points(low)} to ${points(high)})`
    : `makes ${points(-mean)} points fewer of them ${label} (${points(-high)} to ${points(-low)})`;

/** A share in hundredths, never `-0.0`. */
const points = (share: number): string => (Math.round(share * 1000) / 10 + 0).toFixed(1);

/** A change of a share in points of percent, as the sentences and the page tell it: `-12.9`, `+1.4`. */
export const signedPoints = (share: number): string => `${share > 0 ? '+' : ''}${points(share)}`;

/** What a trial is of: `cluster 3`, or `crane (134) at 0,0,0.25,0.25`. */
export function describeTried({ request: { of } }: Trial): string {
  if (of.kind === 'cluster') return `cluster ${of.cluster}`;
  const { top, left, bottom, right } = of.region;
  const named = of.index === undefined ? of.class : `${of.class} (${of.index})`;
  return `${named} at ${[top, left, bottom, right].join(',')}`;
}
