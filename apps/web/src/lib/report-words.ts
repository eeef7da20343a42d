import type {
  ClassReport,
  Estimate,
  JobReport,
  PatchCluster,
  ReportMetric,
} from '@umbra/shared/contracts/report';
import { formatCount } from './format.js';

/** A number in two or three significant digits, with a minus sign that is one. */
export function formatNumber(value: number): string {
  if (value === 0) return '0';
  const text = sizeText(Math.abs(value));
  return value < 0 ? `\u2212${text}` : text;
}

function sizeText(size: number): string {
  if (size < 0.001 || size >= 1e5) return size.toExponential(1);
  if (size >= 100) return String(Math.round(size));
  return size >= 0.0995 ? size.toFixed(size >= 10 ? 1 : 2) : size.toPrecision(2).replace(/0+$/, '');
}

export const formatShare = (share: number): string => {
  const text = (Math.abs(share) * 100).toFixed(1);
  return `${share < 0 && text !== '0.0' ? '\u2212' : ''}${text}\u00a0%`;
};

/** A difference of two shares, in points of percent. */
export const formatPoints = (difference: number): string =>
  `${signOf(difference)}${(Math.abs(difference) * 100).toFixed(1)}`;

const signOf = (value: number): string =>
  Math.abs(value) < 0.0005 ? '' : value > 0 ? '+' : '\u2212';

type Format = (value: number) => string;

/** `0.41 [0.38, 0.44]`; of a point, such as one image's, the number alone. */
export const formatEstimate = ({ mean, low, high }: Estimate, format: Format): string =>
  low === high ? format(mean) : `${format(mean)} [${format(low)}, ${format(high)}]`;

export const formatP = (p: number): string => (p < 0.001 ? '< 0.001' : p.toFixed(3));

type MetricWords = {
  readonly name: string;
  readonly meaning: string;
  readonly format: Format;
  /** Why it may not be known. */
  readonly missing: string;
};

const whole: Format = (value) => value.toLocaleString('en');
const noBoxes = 'Not known: no image has a box.';
const noClusters = 'Not known without boxes, or without clusters of patches.';

/** What each metric is called, and means. */
export const metricWords: Readonly<Record<ReportMetric, MetricWords>> = {
  images: {
    ...{ name: 'Images', format: whole, missing: 'None yet.' },
    meaning: 'with a result that this report has read',
  },
  accuracy: {
    ...{ name: 'Accuracy', format: formatShare, missing: 'Not known: no image has a label.' },
    meaning: 'of the labels name the predicted class',
  },
  drop: {
    ...{ name: 'Mean drop', format: formatNumber, missing: 'Not known yet.' },
    meaning: 'taken off the score by the most harmful patch',
  },
  flipped: {
    ...{ name: 'Flipped', format: formatShare, missing: 'Not known yet.' },
    meaning: 'of the positions change the decision when covered',
  },
  'off-object': {
    ...{ name: 'Off the object', format: formatShare, missing: noBoxes },
    meaning: 'of the positive evidence lies outside the labelled box',
  },
  border: {
    ...{ name: 'In the border', format: formatShare, missing: 'Not known yet.' },
    meaning: 'of the positive evidence lies in the outer tenth of the frame',
  },
  'significant-classes': {
    ...{ name: 'Significant classes', format: whole, missing: 'None.' },
    meaning: 'have more evidence off the object or in the border than chance explains',
  },
  'off-object-cluster': {
    ...{ name: 'Largest cluster off the object', format: formatShare, missing: noClusters },
    meaning: 'of a class’s decisive patches look alike and lie off its object',
  },
  unstable: {
    ...{
      name: 'Unstable maps',
      format: formatShare,
      missing: 'Not known of one fill and one patch size.',
    },
    meaning: 'of the images: their map depends on fill or patch size',
  },
  suspects: {
    ...{ name: 'Suspects', format: whole, missing: 'None.' },
    meaning: 'rest on evidence unlike that of their class',
  },
};

/** Names as a sentence lists them; at most so many one by one. */
export function listNames(names: readonly string[], most = 4): string {
  const told = names.slice(0, most);
  const rest = names.length - told.length;
  if (rest > 0) return `${told.join(', ')} and ${rest.toLocaleString('en')} more`;
  return told.length < 2 ? told.join('') : `${told.slice(0, -1).join(', ')} and ${told.at(-1)}`;
}

const namesOf = (classes: readonly ClassReport[]): readonly string[] =>
  classes.map(({ class: { label } }) => label);

type TrustOrder = NonNullable<JobReport['trust']['order']>;

export type ReportFinding = {
  readonly kind: 'alarm' | 'calm';
  readonly text: string;
  readonly anchor: string;
};

/** What is worth knowing first, in sentences. */
export function findingsOf(report: JobReport): readonly ReportFinding[] {
  return [placeFinding(report), clusterFinding(report), orderFinding(report), enoughFinding(report)]
    .flat()
    .filter((finding) => finding !== null);
}

function placeFinding({ classes }: JobReport): readonly (ReportFinding | null)[] {
  const off = namesOf(classes.filter(({ offObject }) => offObject?.isSignificant === true));
  const border = namesOf(classes.filter(({ border: test }) => test?.isSignificant === true));
  const tested = classes.filter((one) => one.offObject !== null || one.border !== null).length;
  const found = (names: readonly string[], where: string): ReportFinding | null =>
    names.length === 0
      ? null
      : {
          kind: 'alarm',
          text: `More evidence lies ${where} than chance explains in ${formatClasses(names.length, classes.length)}: ${listNames(names)}.`,
          anchor: 'place',
        };
  if (off.length + border.length > 0)
    return [found(off, 'off the object'), found(border, 'in the border')];
  if (tested === 0) return [];
  const text = `No class has more evidence ${classes.some(({ offObject }) => offObject !== null) ? 'off the object or ' : ''}in the border than chance explains.`;
  return [{ kind: 'calm', text, anchor: 'place' }];
}

const formatClasses = (count: number, of: number): string =>
  `${count.toLocaleString('en')} of ${of === 1 ? '1 class' : `${of.toLocaleString('en')} classes`}`;

/** The weightiest cluster, and before it the weightiest that lies off the object; one patch is like none. */
function clusterFinding({ patches }: JobReport): readonly (ReportFinding | null)[] {
  const clusters = patches.clusters.filter(({ images }) => images > 1);
  const [first] = clusters;
  if (first === undefined) return [];
  const off = clusters.find(({ offObject }) => offObject !== null && offObject > 0.5);
  const told = ({ class: { label }, share, medianDrop }: PatchCluster): string =>
    `${formatShare(share)} of those that decide ${label}, with a median drop of ${formatNumber(medianDrop)}`;
  const alarm: ReportFinding | null =
    off === undefined
      ? null
      : {
          kind: 'alarm',
          text: `Patches that look alike lie off the object: ${told(off)}.`,
          anchor: 'patches',
        };
  const calm: ReportFinding | null =
    first === off
      ? null
      : {
          kind: 'calm',
          text: `The weightiest patches that look alike: ${told(first)}.`,
          anchor: 'patches',
        };
  return [alarm, calm];
}

const trusted = 0.05;

function orderWords({ images, p }: TrustOrder): Pick<ReportFinding, 'kind' | 'text'> {
  const checked = formatCount(images, 'image');
  // The signs of so few differences cannot all be alike by less than this chance.
  if (1 / 2 ** images >= trusted) {
    const text = `Of ${checked}, nothing can be told of whether the maps order pixels better than chance.`;
    return { kind: 'calm', text };
  }
  return p.deletion < trusted && p.insertion < trusted
    ? {
        kind: 'calm',
        text: `The maps of ${checked} that were checked order pixels better than chance.`,
      }
    : {
        kind: 'alarm',
        text: `The maps of ${checked} that were checked do not order pixels better than chance.`,
      };
}

function orderFinding({
  trust: { order, agreement },
}: JobReport): readonly (ReportFinding | null)[] {
  const check: ReportFinding | null =
    order === null ? null : { ...orderWords(order), anchor: 'trust' };
  const unstable: ReportFinding | null =
    agreement === null || agreement.unstable === 0
      ? null
      : {
          kind: 'calm',
          text: `The maps of ${agreement.unstable.toLocaleString('en')} of ${formatCount(agreement.images, 'image')} depend on the fill or the patch size, and are not ranked.`,
          anchor: 'trust',
        };
  return [check, unstable];
}

function enoughFinding({ classes }: JobReport): ReportFinding | null {
  if (classes.length === 0) return null;
  const done = classes.filter(({ enough }) => enough.images !== null);
  const most = Math.max(...done.map(({ enough }) => enough.images ?? 0));
  const text =
    done.length === 0
      ? 'No class has images enough yet for its mean drop to be known to the tolerance.'
      : `In ${formatClasses(done.length, classes.length)} at most ${formatCount(most, 'image')} would have told the mean drop.`;
  return { kind: 'calm', text, anchor: 'classes' };
}

/** Whether a class's images are enough, and how many would do. */
export function enoughWords({ enough, running }: Pick<ClassReport, 'enough' | 'running'>): string {
  if (enough.images !== null) return `${formatCount(enough.images, 'image')} would do`;
  const last = running.at(-1);
  if (last === undefined) return 'too few images to tell';
  return `not yet: ±${formatNumber(last.halfWidth)}, aim ±${formatNumber(enough.tolerance)}`;
}

/** `tabby cat, cluster 3`: by its class, and its number in `report.json` and for `umbra trial`. */
export const clusterName = ({ class: { label }, id }: Pick<PatchCluster, 'class' | 'id'>): string =>
  `${label}, cluster ${id}`;
