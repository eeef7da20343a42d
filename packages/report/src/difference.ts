import { at } from '@umbra/shared/assert';
import {
  type ClassReport,
  type Estimate,
  type JobReport,
  type ReportMetric,
  reportMetrics,
} from '@umbra/shared/contracts/report';
import type { ReportDifference } from '@umbra/shared/contracts/report-difference';
import { patchesOf, sizeName } from '@umbra/shared/contracts/settings';
import { decodeCells, encodeCells } from './cells.js';

type Changed = ReportDifference['metrics'][string];
type ClassDifference = ReportDifference['classes'][number];

/**
 * What differs between the reports of two jobs, as b minus a. Classes are matched by their names, in upper or lower
 * case. Intervals hold for jobs on different images; on the same images, whose numbers go up and down together,
 * they are wider than need be.
 */
export function compareReports(a: JobReport, b: JobReport): ReportDifference {
  const { both, onlyA, onlyB } = matchClasses(a.classes, b.classes);
  return {
    version: 1,
    a: a.job,
    b: b.job,
    metrics: Object.fromEntries(
      (Object.keys(reportMetrics.shape) as ReportMetric[]).map((metric) => [
        metric,
        changedNumber(a.metrics[metric], b.metrics[metric]),
      ]),
    ),
    classes: both
      .map(([ofA, ofB]) => compareClasses(ofA, ofB))
      .sort((one, other) => size(other.drop) - size(one.drop)),
    onlyA: onlyA.map(labelOf),
    onlyB: onlyB.map(labelOf),
    notes: notesOf(a, b),
  };
}

function matchClasses(a: readonly ClassReport[], b: readonly ClassReport[]) {
  // Of names that differ in case alone, the class with the most images stands first, and so does for both.
  const byName = new Map(b.toReversed().map((one) => [nameOf(one), one]));
  const both: [ClassReport, ClassReport][] = [];
  const onlyA: ClassReport[] = [];
  for (const one of a) {
    const other = byName.get(nameOf(one));
    if (other === undefined) onlyA.push(one);
    else both.push([one, other]);
    byName.delete(nameOf(one));
  }
  const matched = new Set(both.map(([, other]) => other));
  return { both, onlyA, onlyB: b.filter((one) => !matched.has(one)) };
}

const labelOf = ({ class: { label } }: ClassReport): string => label;
const nameOf = (one: ClassReport): string => labelOf(one).toLowerCase();
const size = ({ difference }: Changed): number => Math.abs(difference ?? 0);

function compareClasses(a: ClassReport, b: ClassReport): ClassDifference {
  return {
    class: labelOf(a),
    images: { a: a.images, b: b.images },
    drop: changedMean(a.drop, b.drop),
    accuracy: changedMean(a.accuracy, b.accuracy),
    offObject: changedMean(a.offObject?.share ?? null, b.offObject?.share ?? null),
    border: changedMean(a.border?.share ?? null, b.border?.share ?? null),
    ...compareMaps(decodeCells(a.atlas.input.mean), decodeCells(b.atlas.input.mean)),
  };
}

const changedNumber = (a: number | null, b: number | null): Changed => ({
  a,
  b,
  difference: a === null || b === null ? null : b - a,
  low: null,
  high: null,
});

/**
 * The interval of a difference from those of its parts: each end is as far from it as the root of the sum of the
 * squares of the distances that make it so (Zou & Donner, Statistics in Medicine 27, 2008; "MOVER").
 */
function changedMean(a: Estimate | null, b: Estimate | null): Changed {
  const changed = changedNumber(a?.mean ?? null, b?.mean ?? null);
  if (a === null || b === null) return changed;
  const difference = b.mean - a.mean;
  return {
    ...changed,
    low: difference - Math.hypot(b.mean - b.low, a.high - a.mean),
    high: difference + Math.hypot(b.high - b.mean, a.mean - a.low),
  };
}

/** Cosine of two mean maps over the cells that both have, and the second minus the first. */
function compareMaps(
  a: Float32Array,
  b: Float32Array,
): Pick<ClassDifference, 'similarity' | 'atlas'> {
  if (a.length !== b.length) return { similarity: null, atlas: null };
  const difference = b.map((value, cell) => value - at(a, cell));
  let [product, squareA, squareB] = [0, 0, 0];
  for (const [cell, change] of difference.entries()) {
    if (Number.isNaN(change)) continue;
    product += at(a, cell) * at(b, cell);
    squareA += at(a, cell) ** 2;
    squareB += at(b, cell) ** 2;
  }
  const lengths = Math.sqrt(squareA * squareB);
  const similarity = lengths === 0 ? null : Math.max(-1, Math.min(1, product / lengths));
  return { similarity, atlas: encodeCells(difference) };
}

/** Why numbers may not be comparable: what both jobs and reports were asked for differently. */
function notesOf(a: JobReport, b: JobReport): string[] {
  const asked: [string, (report: JobReport) => string][] = [
    ['Scores are', ({ settings }) => settings.score],
    ['Patches are', ({ settings }) => patchesOf(settings).map(sizeName).join(', ')],
    ['Strides are', ({ settings: { stride } }) => `${stride.y}x${stride.x}`],
    ['Edges are', ({ settings }) => settings.edge],
    ['Fills are', ({ settings }) => tell(settings.fill)],
    ['Targets are', ({ settings }) => tell(settings.target)],
    ['Refinement is', ({ settings }) => tell(settings.refine)],
    ['Inputs are', ({ input }) => (input === null ? 'of several sizes' : sizeName(input))],
    ['Images are grouped by', ({ groupBy }) => groupBy],
    ['Decisive patches are at most', ({ request }) => `${request.patches}`],
  ];
  const notes = asked
    .filter(([, read]) => read(a) !== read(b))
    .map(([what, read]) => `${what} ${read(b)} in this job, and ${read(a)} in the other`);
  const unfinished = Object.entries({ this: b, 'the other': a }).filter(
    ([, report]) => !report.isComplete,
  );
  return [...notes, ...unfinished.map(([name]) => `Not every image of ${name} job has ended`)];
}

/** A setting as the flags have it, such as `blur 8`. */
const tell = (setting: object | null): string =>
  setting === null ? 'none' : Object.values(setting).join(' ');
