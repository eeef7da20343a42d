import type { ReportDifference } from '@umbra/client';
import { escapeHidden } from '@umbra/shared/visible-text';
import { alignColumns } from './summary.js';
import { formatNumber, shorten } from './words.js';

type ShownChange = ReportDifference['metrics'][string];

const maxClasses = 20;
/** Metrics that count; the others are means and shares. */
const counts: readonly string[] = ['images', 'suspects', 'significant-classes'];

/** What differs between two reports: `b` is the one that is asked about, `a` the one that it is held against. */
export function formatDifference(difference: ReportDifference): string {
  const { a, b, metrics, classes, onlyA, onlyB, notes } = difference;
  const { shown, more } = shorten(classes, maxClasses);
  const header = [
    `class`,
    'images',
    'drop before',
    'now',
    'change',
    'off the object: change',
    'maps alike',
  ];
  const rows = shown.map(({ class: label, images, drop, offObject, similarity }) => [
    ...[label, `${images.a} / ${images.b}`, formatNumber(drop.a), formatNumber(drop.b)],
    ...[formatChange(drop), formatChange(offObject), formatNumber(similarity)],
  ]);
  const only = [
    ...listOnly(`Only in ${a}`, onlyA),
    ...listOnly(`Only in ${b}`, onlyB),
    ...notes.map((note) => `Note: ${escapeHidden(note)}`),
  ];
  return [
    `Job ${b} against job ${a}`,
    alignColumns([['number', 'before', 'now', 'change'], ...Object.entries(metrics).map(cellsOf)]),
    rows.length === 0 ? '' : `${alignColumns([header, ...rows])}${more}`,
    only.join('\n'),
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

function cellsOf([name, changed]: [string, ShownChange]): string[] {
  const digits = counts.includes(name) ? 0 : 3;
  const tell = (value: number | null) => value?.toFixed(digits) ?? '';
  return [name, tell(changed.a), tell(changed.b), formatChange(changed, digits)];
}

function formatChange({ difference, low, high }: ShownChange, digits = 3): string {
  if (difference === null) return '';
  const sign = (value: number): string => `${value < 0 ? '' : '+'}${value.toFixed(digits)}`;
  const interval = low === null || high === null ? '' : ` (${sign(low)} to ${sign(high)})`;
  return `${sign(difference)}${interval}`;
}

const listOnly = (words: string, names: readonly string[]): readonly string[] =>
  names.length === 0 ? [] : [`${words}: ${names.map(escapeHidden).join(', ')}`];
