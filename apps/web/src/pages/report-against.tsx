import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { Link, useSearchParams } from 'wouter';
import { ServiceError } from '../api/http.js';
import type { JobStatus } from '../api/jobs.js';
import {
  type JobReport,
  type ReportDifference,
  type ReportMetric,
  readReportDifference,
} from '../api/reports.js';
import { LatticeMap } from '../charts/lattice-map.js';
import { ColourScale } from '../heat/colour-scale.js';
import { formatTime } from '../lib/format.js';
import { type Lattice, latticeLimit, peakOf, readLattice } from '../lib/lattice.js';
import {
  formatNumber,
  formatPoints,
  formatShare,
  listNames,
  metricWords,
} from '../lib/report-words.js';
import { Pick } from '../parts/choices.js';
import { Nothing, ReportSection, ScrolledTable } from '../parts/report-section.js';
import { Loading, Trouble } from '../parts/states.js';
import { useJobs } from './jobs.js';

type MetricChange = ReportDifference['metrics'][string];
type ReportAgainstProps = { readonly report: JobReport; readonly job: JobStatus };

/** What differs from another job's report on the same dataset. */
export function ReportAgainst({ report, job }: ReportAgainstProps) {
  const [search, setSearch] = useSearchParams();
  const other = search.get('against');
  const { data: jobs = [] } = useJobs();
  const listed = jobs.filter(({ id, dataset }) => dataset === job.dataset && id !== job.id);
  const choices = listed.map((one) => ({
    value: one.id,
    label: `${one.model.name} · ${formatTime(one.createdAt)}`,
  }));
  const isListed = other === null || listed.some(({ id }) => id === other);
  const choose = (id: string) => setSearch(id === '' ? {} : { against: id }, { replace: true });
  return (
    <ReportSection
      id="against"
      title="Against another job"
      explain="These numbers minus those of another job: of another model, or of this one before it was trained again."
      controls={
        (choices.length > 0 || other !== null) && (
          <Pick
            label="Other job of this dataset"
            value={other ?? ''}
            choices={[
              { value: '', label: 'None' },
              ...(isListed ? [] : [{ value: other, label: other }]),
              ...choices,
            ]}
            onChange={choose}
          />
        )
      }
    >
      {other === null ? (
        <Nothing>
          {choices.length === 0
            ? 'No other job of this dataset is among the latest.'
            : 'Choose a job to see what differs.'}
        </Nothing>
      ) : (
        <Difference key={other} report={report} other={other} />
      )}
    </ReportSection>
  );
}

/** Codes of answers where a report is not there, or not yet. */
const missing: readonly string[] = ['not_found', 'conflict'];

function Difference({ report, other }: { readonly report: JobReport; readonly other: string }) {
  const { data, error, refetch } = useQuery({
    queryKey: ['report-difference', report.job, other, report.writtenAt],
    queryFn: ({ signal }) => readReportDifference(report.job, other, signal),
  });
  if (data === undefined) {
    if (error === null) return <Loading what="the difference" />;
    if (error instanceof ServiceError && missing.includes(error.code)) {
      return (
        <Nothing>
          {error.message} <Link href={`/jobs/${other}/report`}>The report of that job</Link>
        </Nothing>
      );
    }
    return <Trouble error={error} onRetry={() => void refetch()} />;
  }
  return (
    <>
      {data.notes.map((note) => (
        <p key={note} className="note">
          {note}
        </p>
      ))}
      <MetricChanges difference={data} />
      <ClassChanges difference={data} />
      <DifferenceMaps difference={data} lattice={report.lattice} />
      <OnlyOne difference={data} />
    </>
  );
}

const ways = { up: '▲', down: '▼', same: '=' } as const;
/** By the difference as it is told, which may round to none. */
const wayOf = (told: string): keyof typeof ways =>
  told.startsWith('+') ? 'up' : told.startsWith('\u2212') ? 'down' : 'same';
const wayWords = { up: 'more', down: 'less', same: 'the same' } as const;

/** What numbers are: shares, whose differences are points of percent, counts, or others. */
type NumberKind = 'share' | 'count' | 'number';

const metricKind = (name: string): NumberKind => {
  if (name === 'drop') return 'number';
  return ['images', 'suspects', 'significant-classes'].includes(name) ? 'count' : 'share';
};

const formats: Readonly<Record<NumberKind, (value: number) => string>> = {
  share: formatShare,
  count: (value) => value.toLocaleString('en').replace('-', '\u2212'),
  number: formatNumber,
};

type ChangeCellsProps = { readonly change: MetricChange; readonly kind: NumberKind };

function ChangeCells({ change: { a, b, difference, low, high }, kind }: ChangeCellsProps) {
  const tell = (value: number | null) => (value === null ? '–' : formats[kind](value));
  const signed = (value: number) =>
    kind === 'share'
      ? `${formatPoints(value)}\u00a0points`
      : `${value > 0 ? '+' : ''}${formats[kind](value)}`;
  const way = wayOf(signed(difference ?? 0));
  const isSure = low !== null && high !== null && (low > 0 || high < 0);
  return (
    <>
      <td className="figure">
        {difference === null ? (
          '–'
        ) : (
          <span className="change" data-sure={isSure}>
            <span role="img" aria-label={wayWords[way]}>
              {ways[way]}
            </span>{' '}
            {signed(difference)}
          </span>
        )}
        {low !== null && high !== null && (
          <span className="note change-range">
            {' '}
            [{signed(low)}, {signed(high)}]
          </span>
        )}
      </td>
      <td className="figure">{tell(b)}</td>
      <td className="figure">{tell(a)}</td>
    </>
  );
}

const changeHeads = (
  <>
    <th scope="col" className="figure">
      Difference
    </th>
    <th scope="col" className="figure">
      This job
    </th>
    <th scope="col" className="figure">
      The other
    </th>
  </>
);

const MetricChanges = ({ difference: { metrics } }: { readonly difference: ReportDifference }) => (
  <ScrolledTable label="Metrics of both jobs">
    <thead>
      <tr>
        <th scope="col">Metric</th>
        {changeHeads}
      </tr>
    </thead>
    <tbody>
      {Object.entries(metrics).map(([name, change]) => (
        <tr key={name}>
          <th scope="row">{metricWords[name as ReportMetric]?.name ?? name}</th>
          <ChangeCells change={change} kind={metricKind(name)} />
        </tr>
      ))}
    </tbody>
  </ScrolledTable>
);

/** Most classes whose changes are told. */
const maxClasses = 12;

function ClassChanges({ difference: { classes } }: { readonly difference: ReportDifference }) {
  if (classes.length === 0) return null;
  return (
    <>
      <h3>Drop of the classes that changed most</h3>
      <ScrolledTable label="Mean drop of classes in both jobs">
        <thead>
          <tr>
            <th scope="col">Class</th>
            {changeHeads}
          </tr>
        </thead>
        <tbody>
          {classes.slice(0, maxClasses).map((one) => (
            <tr key={one.class}>
              <th scope="row">{one.class}</th>
              <ChangeCells change={one.drop} kind="number" />
            </tr>
          ))}
        </tbody>
      </ScrolledTable>
    </>
  );
}

type DifferenceMapsProps = {
  readonly difference: ReportDifference;
  readonly lattice: JobReport['lattice'];
};

function DifferenceMaps({ difference: { classes }, lattice }: DifferenceMapsProps) {
  const maps = useMemo(
    () =>
      classes.slice(0, maxClasses).flatMap((one): readonly (readonly [typeof one, Lattice])[] => {
        return one.atlas === null ? [] : [[one, readLattice(one.atlas, lattice)]];
      }),
    [classes, lattice],
  );
  if (maps.length === 0) return null;
  const limit = latticeLimit(maps.map(([, map]) => map));
  return (
    <>
      <h3>Where their mean maps differ</h3>
      <div className="atlas-scale">
        <ColourScale limit={limit} words={differenceWords} />
      </div>
      <ul className="atlas atlas-small">
        {maps.map(([one, map]) => (
          <li key={one.class} className="atlas-class">
            <LatticeMap
              lattice={map}
              limit={limit}
              scale="around-0"
              hasBox={false}
              alt={altOf(one, map)}
            />
            <div className="atlas-name">
              <h4 title={one.class}>{one.class}</h4>
              {one.similarity !== null && (
                <span className="note">cos {one.similarity.toFixed(2)}</span>
              )}
            </div>
          </li>
        ))}
      </ul>
    </>
  );
}

const differenceWords = {
  blue: 'blue: matters less in this job',
  red: 'red: matters more in this job',
};

function altOf(one: ReportDifference['classes'][number], map: Lattice): string {
  const peak = peakOf(map);
  const where =
    peak === null
      ? 'nothing is known'
      : `this job’s is above the other’s the most at the ${peak.place}, by ${formatNumber(peak.value)}`;
  return `Difference of the mean maps of ${one.class}: ${where}`;
}

const OnlyOne = ({ difference: { onlyA, onlyB } }: { readonly difference: ReportDifference }) => (
  <>
    {onlyB.length > 0 && <p className="note">Only in this job: {listNames(onlyB)}.</p>}
    {onlyA.length > 0 && <p className="note">Only in the other: {listNames(onlyA)}.</p>}
  </>
);
