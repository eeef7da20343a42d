import type { JobReport } from '@umbra/client';
import { expect, test } from 'vitest';
import { formatReport } from './report-summary.js';

type ReportedClass = JobReport['classes'][number];

const spread = (mean: number) => ({ mean, low: mean - 0.1, high: mean + 0.1 });
const place = (mean: number, isSignificant: boolean): ReportedClass['border'] => ({
  ...{ images: 3, share: spread(mean), area: 0.36, excess: spread(mean - 0.36) },
  ...{ p: 0.01, adjusted: 0.02, isSignificant },
});
const group = (label: string, border: ReportedClass['border']) =>
  ({
    ...{ class: { index: 1, label }, images: 3, drop: spread(0.5), border, offObject: null },
  }) as ReportedClass;

const report = (changes: object): JobReport =>
  ({
    ...{ job: 'job_1', model: { name: 'tiny' }, images: { total: 9, ended: 7, read: 6 } },
    ...{ groupBy: 'label', settings: { score: 'logit' }, notes: [], suspects: [], classes: [] },
    metrics: { accuracy: 0.75, drop: 1.5, flipped: null, 'off-object': null, border: 0.4 },
    patches: { clusters: [], reason: null },
    trust: { agreement: null, order: null },
    ...changes,
  }) as unknown as JobReport;

test('a report tells its classes, and which are significant, in aligned columns', () => {
  const classes = [group('cat', place(0.4, false)), group('wolf\u001b', place(0.7, true))];
  expect(formatReport(report({ classes })).split('\n')).toEqual([
    'Job job_1, model tiny: 6 images with a result, of 7 that ended and 9 in all, by label',
    'accuracy 0.750, drop (logit) 1.500, border 0.400',
    '',
    'class       images  drop (95 %)             border / area',
    '----------  ------  ----------------------  -------------------------',
    'cat         3       0.500 (0.400 to 0.600)  0.400 / 0.360',
    'wolf\\u001b  3       0.500 (0.400 to 0.600)  0.700 / 0.360 significant',
    '',
    'Significantly in the border: wolf\\u001b',
  ]);
});

test('a report tells clusters, trust, suspects and notes as far as it has them', () => {
  const kind = { index: 1, label: 'cat' };
  const text = formatReport(
    report({
      classes: [group('cat', place(0.4, false))],
      patches: {
        reason: null,
        clusters: [
          { id: 4, class: kind, images: 12, medianDrop: 0.5, offObject: null, members: [] },
        ],
      },
      trust: {
        agreement: { mean: spread(0.8), images: 6, unstable: 2, threshold: 0.5 },
        order: {
          ...{ images: 4, deletion: spread(0.2), randomDeletion: spread(0.4) },
          ...{ insertion: spread(0.6), randomInsertion: spread(0.5) },
          p: { deletion: 0.0625, insertion: 0.125 },
        },
      },
      suspects: [{ name: 'a.png', class: kind, drop: 0.25, z: 4.25, reasons: ['It is odd.'] }],
      notes: ['Few images.'],
    }),
  );
  for (const line of [
    'Nothing is significant in the border; a small cue may lie there all the same.',
    'cluster  class  images  median drop  such as',
    '4        cat    12      0.500',
    'Maps of an image agree by 0.800 (0.700 to 0.900); 2 of 6 images are below 0.5, and depend on the choice',
    'Deletion 0.200 against 0.400 at random (p 0.063), insertion 0.600 against 0.500 (p 0.13), of 4 images',
    'a.png    cat    0.250  4.3  It is odd.',
    'Note: Few images.',
  ]) {
    expect(text.split('\n')).toContainEqual(expect.stringContaining(line));
  }
});

test('a report tells what is not significant only of what was tested', () => {
  expect(formatReport(report({ classes: [group('cat', null)] }))).not.toContain('significant');
  const boxed = { ...group('cat', place(0.4, false)), offObject: place(0.2, false) };
  expect(formatReport(report({ classes: [boxed] }))).toContain(
    'Nothing is significant off the object or in the border;',
  );
});

test('more rows than a screen takes are counted', () => {
  const classes = Array.from({ length: 23 }, (_, at) => group(`kind ${at}`, null));
  expect(formatReport(report({ classes }))).toContain('\n... and 3 more');
});
