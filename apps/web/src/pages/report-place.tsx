import { useState } from 'react';
import type { ClassReport, JobReport } from '../api/reports.js';
import { type AxisSpan, Interval, spanOf } from '../charts/interval.js';
import { formatEstimate, formatP, formatPoints, formatShare } from '../lib/report-words.js';
import { Segmented } from '../parts/choices.js';
import { More, Nothing, ReportSection, ScrolledTable } from '../parts/report-section.js';

type PlaceKind = 'offObject' | 'border';
type PlaceRowData = {
  readonly of: ClassReport['class'];
  readonly test: NonNullable<ClassReport['border']>;
  /** Adjusted p that the evidence follows the object; null where that is not asked. */
  readonly follows: number | null;
};

/** Rows of one question, the largest excess first. */
function rowsOf(classes: readonly ClassReport[], kind: PlaceKind): readonly PlaceRowData[] {
  return classes
    .flatMap((one): readonly PlaceRowData[] => {
      const test = one[kind];
      const follows = kind === 'offObject' ? (one.offObject?.follows.adjusted ?? null) : null;
      return test === null ? [] : [{ of: one.class, test, follows }];
    })
    .toSorted((a, b) => b.test.excess.mean - a.test.excess.mean);
}

const kindWords: Readonly<Record<PlaceKind, string>> = {
  offObject: 'off the object',
  border: 'in the border',
};

/** Whether evidence lies where it should not: off the object, or in the border. */
export function ReportPlace({ report }: { readonly report: JobReport }) {
  const hasBoxes = report.classes.some(({ offObject }) => offObject !== null);
  const [asked, setAsked] = useState<PlaceKind>('offObject');
  const kind = hasBoxes ? asked : 'border';
  const rows = rowsOf(report.classes, kind);
  return (
    <ReportSection
      id="place"
      title="Evidence where it should not be"
      explain={`The share of the evidence that lies ${kindWords[kind]}, against the area there: above it, and beyond chance, the model looks elsewhere.`}
      controls={
        hasBoxes && (
          <Segmented
            label="Where"
            choices={[
              { value: 'offObject', label: 'Off the object' },
              { value: 'border', label: 'In the border' },
            ]}
            value={kind}
            onChange={setAsked}
          />
        )
      }
    >
      {!hasBoxes && report.classes.length > 0 && (
        <Nothing>
          No image of this dataset has a box, so nothing is said of the object. The border is the
          outer tenth of the frame.
        </Nothing>
      )}
      {rows.length > 0 && <PlaceTable rows={rows} kind={kind} />}
    </ReportSection>
  );
}

type PlaceTableProps = { readonly rows: readonly PlaceRowData[]; readonly kind: PlaceKind };

function PlaceTable({ rows, kind }: PlaceTableProps) {
  const span = spanOf(rows.map(({ test }) => test.excess));
  return (
    <More items={rows} step={25} noun="classes">
      {(shown) => (
        <ScrolledTable label={`Evidence ${kindWords[kind]}, by class`}>
          <thead>
            <tr>
              <th scope="col">Class</th>
              <th scope="col">More than chance</th>
              <th scope="col" className="figure">
                Excess, points
              </th>
              <td className="place-chart" />
              <th scope="col" className="figure">
                Share
              </th>
              <th scope="col" className="figure">
                Area
              </th>
              <th scope="col" className="figure">
                Adjusted p
              </th>
              <th scope="col" className="figure">
                Images
              </th>
              {kind === 'offObject' && <th scope="col">Follows the object</th>}
            </tr>
          </thead>
          <tbody>
            {shown.map((row) => (
              <PlaceRow key={`${row.of.index} ${row.of.label}`} row={row} span={span} />
            ))}
          </tbody>
        </ScrolledTable>
      )}
    </More>
  );
}

type PlaceRowProps = { readonly row: PlaceRowData; readonly span: AxisSpan };

const PlaceRow = ({ row: { of, test, follows }, span }: PlaceRowProps) => (
  <tr>
    <th scope="row">{of.label}</th>
    <td>
      <span className="verdict-mark" data-is={test.isSignificant}>
        {test.isSignificant ? 'Yes' : 'no'}
      </span>
    </td>
    <td className="figure">{formatEstimate(test.excess, formatPoints)}</td>
    <td className="place-chart">
      <Interval
        estimate={test.excess}
        span={span}
        mark={0}
        tone={test.isSignificant ? 'strong' : 'pale'}
      />
    </td>
    <td className="figure">{formatShare(test.share.mean)}</td>
    <td className="figure">{formatShare(test.area)}</td>
    <td className="figure">{formatP(test.adjusted)}</td>
    <td className="figure">{test.images.toLocaleString('en')}</td>
    {follows !== null && (
      <td className="follows">{follows < followsBelow ? 'yes' : 'not shown'}</td>
    )}
  </tr>
);

/** Level of the adjusted p, as the report's own. */
const followsBelow = 0.05;
