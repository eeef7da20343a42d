import type { JobReport } from '@umbra/client';
import { escapeHidden } from '@umbra/shared/visible-text';
import { alignColumns } from './summary.js';
import { formatEstimate, formatNumber, shorten } from './words.js';

type ReportedClass = JobReport['classes'][number];
type TestedPlace = NonNullable<ReportedClass['border']>;

/** Lines of each table; the page and `--json` have all. */
const maxRows = { classes: 20, clusters: 10, suspects: 10 } as const;

/** What a report says, as paragraphs and tables of plain text. */
export function formatReport(report: JobReport): string {
  return [
    describeReport(report),
    formatClasses(report),
    describeSignificant(report),
    formatClusters(report),
    describeTrust(report),
    formatSuspects(report),
    report.notes.map((note) => `Note: ${escapeHidden(note)}`).join('\n'),
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

function describeReport({ job, model, images, groupBy, metrics, settings }: JobReport): string {
  const { read, ended, total } = images;
  const means = [
    ['accuracy', metrics.accuracy],
    [`drop (${settings.score})`, metrics.drop],
    ['flipped', metrics.flipped],
    ['off the object', metrics['off-object']],
    ['border', metrics.border],
  ] as const;
  const known = means.filter(([, value]) => value !== null);
  const words = known.map(([name, value]) => `${name} ${formatNumber(value)}`).join(', ');
  return `Job ${job}, model ${model.name}: ${read} images with a result, of ${ended} that ended and ${total} in all, by ${groupBy === 'label' ? 'label' : 'predicted class'}\n${words}`;
}

function formatClasses({ classes }: JobReport): string {
  const { shown, more } = shorten(classes, maxRows.classes);
  const has = (name: 'offObject' | 'border') => classes.some((one) => one[name] !== null);
  const places = (['offObject', 'border'] as const).filter(has);
  const titles = { offObject: 'off the object / area', border: 'border / area' };
  const header = ['class', 'images', 'drop (95 %)', ...places.map((place) => titles[place])];
  const rows = shown.map((one) => [
    one.class.label,
    String(one.images),
    formatEstimate(one.drop),
    ...places.map((place) => formatPlace(one[place])),
  ]);
  return `${alignColumns([header, ...rows])}${more}`;
}

const formatPlace = (test: TestedPlace | null): string =>
  test === null
    ? ''
    : `${formatNumber(test.share.mean)} / ${formatNumber(test.area)}${test.isSignificant ? ' significant' : ''}`;

function describeSignificant({ classes }: JobReport): string {
  const name = (of: (one: ReportedClass) => TestedPlace | null): string => {
    const found = classes.filter((one) => of(one)?.isSignificant === true);
    const { shown, more } = shorten(found, maxRows.classes);
    return `${shown.map((one) => escapeHidden(one.class.label)).join(', ')}${more.replace('\n', ' ')}`;
  };
  const off = name(({ offObject }) => offObject);
  const border = name(({ border: test }) => test);
  if (off === '' && border === '') return describeInsignificant(classes);
  const lines = [
    off === '' ? '' : `Significantly off the object: ${off}`,
    border === '' ? '' : `Significantly in the border: ${border}`,
  ];
  return lines.filter((line) => line !== '').join('\n');
}

/** What was tested, and found nothing; a small cue has little of the attribution, and so is not ruled out. */
function describeInsignificant(classes: readonly ReportedClass[]): string {
  const places = [
    classes.some(({ offObject }) => offObject !== null) && 'off the object',
    classes.some(({ border }) => border !== null) && 'in the border',
  ].filter((place) => place !== false);
  if (places.length === 0) return '';
  return `Nothing is significant ${places.join(' or ')}; a small cue may lie there all the same.`;
}

function formatClusters({ patches }: JobReport): string {
  const { clusters, reason } = patches;
  if (clusters.length === 0) {
    return reason === null ? '' : `No clusters of patches: ${escapeHidden(reason)}`;
  }
  const { shown, more } = shorten(clusters, maxRows.clusters);
  const hasBoxes = clusters.some(({ offObject }) => offObject !== null);
  const off = (cell: string) => (hasBoxes ? [cell] : []);
  const header = ['cluster', 'class', 'images', 'median drop', ...off('off the object'), 'such as'];
  const rows = shown.map(({ id, class: { label }, images, medianDrop, offObject, members }) => [
    ...[String(id), label, String(images), formatNumber(medianDrop)],
    ...[...off(formatNumber(offObject)), members[0]?.name ?? ''],
  ]);
  return `${alignColumns([header, ...rows])}${more}`;
}

function describeTrust({ trust: { agreement, order } }: JobReport): string {
  const lines: string[] = [];
  if (agreement !== null) {
    const { mean, images, unstable, threshold } = agreement;
    lines.push(
      `Maps of an image agree by ${formatEstimate(mean)}; ${unstable} of ${images} images are below ${threshold}, and depend on the choice`,
    );
  }
  if (order !== null) {
    const { images, deletion, randomDeletion, insertion, randomInsertion, p } = order;
    const [first, last] = [p.deletion, p.insertion].map((value) => value.toPrecision(2));
    lines.push(
      `Deletion ${formatNumber(deletion.mean)} against ${formatNumber(randomDeletion.mean)} at random (p ${first}), insertion ${formatNumber(insertion.mean)} against ${formatNumber(randomInsertion.mean)} (p ${last}), of ${images} images`,
    );
  }
  return lines.join('\n');
}

function formatSuspects({ suspects }: JobReport): string {
  if (suspects.length === 0) return '';
  const { shown, more } = shorten(suspects, maxRows.suspects);
  const rows = shown.map(({ name, class: { label }, drop, z, reasons }) => [
    ...[name, label, formatNumber(drop), z.toFixed(1), reasons[0] ?? ''],
  ]);
  return `${alignColumns([['suspect', 'class', 'drop', 'z', 'why'], ...rows])}${more}`;
}
