import type { Estimate } from '@umbra/shared/contracts/report';
import type { Trial, TrialArm } from '@umbra/shared/contracts/trial';
import { formatCount } from './format.js';
import { formatPoints, formatShare } from './report-words.js';

type TrialResult = NonNullable<Trial['result']>;

const notPasted =
  'No image of another class could take it: there are fewer than two, it fits in none of them, or their photos cannot be read.';

/** Numbers of one thing that was done: what of its images was so before, and after. */
export type TrialBar = {
  readonly name: string;
  readonly measure: string;
  readonly images: number;
  readonly before: number;
  readonly after: number;
  readonly difference: Estimate;
};

/** What a trial did, in the order in which it is told; what is pasted is asked whether it makes the class. */
export function trialBars({ result, class: of }: Trial): readonly TrialBar[] {
  if (result === null) return [];
  const asClass = `predicted ${of?.label ?? 'as the class'}`;
  const right = (name: string, arm: TrialArm): TrialBar => ({ name, measure: 'right', ...arm });
  const made = (name: string, arm: TrialArm | null): readonly TrialBar[] =>
    arm === null ? [] : [{ name, measure: asClass, images: arm.images, ...arm.asClass }];
  return [
    right('Cover it', result.cover),
    right('Cover elsewhere', result.coverElsewhere),
    ...made('Paste it', result.paste),
    ...made('Paste another', result.pasteOther),
  ];
}

/** What a trial showed, in sentences. */
export function trialWords(trial: Trial): readonly string[] {
  const { result, class: of } = trial;
  if (result === null) return [];
  const label = of?.label ?? 'the class';
  // A cluster's images are those that lose by it: of the others of the class it says nothing.
  const who =
    trial.request.of.kind === 'cluster' ? `These images of ${label} rest` : `${label} rests`;
  return [coverWords(result, { label, who }), ...pasteWords(result, label)];
}

function coverWords(
  { cover, coverElsewhere, coverEffect }: TrialResult,
  { label, who }: { readonly label: string; readonly who: string },
): string {
  const is = coverEffect.right.high < 0;
  const start = is
    ? `${who} on it`
    : `Covering it does no more to ${label} than covering elsewhere, as far as these images tell`;
  return `${start}: covered in ${formatCount(cover.images, 'image')}, ${formatShare(cover.before)} right become ${formatShare(cover.after)}, ${pointsOf(cover.difference)}; as much covered elsewhere, ${pointsOf(coverElsewhere.difference)}. The difference is its own effect, ${pointsOf(coverEffect.right)}.`;
}

function pasteWords(
  { paste, pasteOther, pasteEffect }: TrialResult,
  label: string,
): readonly string[] {
  if (paste === null) return [notPasted];
  const { before, after, difference } = paste.asClass;
  const is = pasteEffect !== null && pasteEffect.asClass.low > 0;
  const start = is
    ? `It makes others ${label}`
    : `It makes others ${label} no more than other content does, as far as these images tell`;
  const beside =
    pasteOther === null || pasteEffect === null
      ? ''
      : `; other content pasted, ${pointsOf(pasteOther.asClass.difference)}. The difference is its own effect, ${pointsOf(pasteEffect.asClass)}`;
  return [
    `${start}: pasted onto ${formatCount(paste.images, 'image')} of other classes, ${formatShare(before)} predicted so become ${formatShare(after)}, ${pointsOf(difference)}${beside}.`,
  ];
}

const pointsOf = ({ mean, low, high }: Estimate): string =>
  `${formatPoints(mean)} points [${formatPoints(low)}, ${formatPoints(high)}]`;

export const isTrialEnded = ({ state }: Pick<Trial, 'state'>): boolean =>
  state !== 'queued' && state !== 'running';

export const trialStateWords: Readonly<Record<Trial['state'], string>> = {
  queued: 'Queued',
  running: 'Runs',
  completed: 'Completed',
  failed: 'Failed',
  cancelled: 'Cancelled',
};
