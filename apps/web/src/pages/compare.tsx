import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { Link, useSearchParams } from 'wouter';
import { countDifferences, type JobComparison } from '../api/compare.js';
import { isEnded, type JobStatus } from '../api/jobs.js';
import { askEach } from '../api/polling.js';
import {
  type CompareState,
  formatComparison,
  parseComparison,
  type ShowName,
} from '../lib/compare-state.js';
import { formatCount, formatTime } from '../lib/format.js';
import { jobDifferences } from '../lib/job-differences.js';
import { Pick } from '../parts/choices.js';
import { PageHead } from '../parts/page-head.js';
import { Empty, Loading, Trouble } from '../parts/states.js';
import { CompareImage } from './compare-image.js';
import { type ComparedJobs, type CompareProps, comparedKey } from './compare-jobs.js';
import { ComparedList, rowsOf, useComparedRows } from './compare-list.js';
import { useJob } from './image.js';
import { useJobs } from './jobs.js';

/** Two jobs beside each other: another model, or other settings, on the same photos. */
export function ComparePage() {
  const [search, setSearch] = useSearchParams();
  const state = useMemo(() => parseComparison(search), [search]);
  const change = (changes: Partial<CompareState>) =>
    setSearch(formatComparison({ ...state, ...changes }), { replace: true });
  const { a, b } = state;
  return (
    <>
      <PageHead
        title="Compare two jobs"
        lead="What another model, or other settings, make of the same photos."
      />
      <JobChoice state={state} change={change} />
      {a === null || b === null ? (
        <Empty title="Choose two jobs">
          Their photos are matched by themselves. <Link href="/jobs">All jobs</Link> have a link to
          here, too.
        </Empty>
      ) : (
        <Comparison key={`${a} ${b}`} a={a} b={b} state={state} change={change} />
      )}
    </>
  );
}

function JobChoice({ state, change }: CompareProps) {
  const { data = [], error } = useJobs();
  const sides = [
    { name: 'a', label: 'A', beside: state.b },
    { name: 'b', label: 'B', beside: state.a },
  ] as const;
  return (
    <section className="card compare-choice" aria-label="The jobs">
      {sides.map(({ name, label, beside }) => (
        <Pick
          key={name}
          label={`Job ${label}`}
          value={state[name] ?? ''}
          choices={choicesOf(data, state[name], beside)}
          onChange={(job) => change({ [name]: job, image: null, at: null, target: null })}
        />
      ))}
      <button
        type="button"
        className="button"
        disabled={state.a === null && state.b === null}
        onClick={() =>
          change({ a: state.b, b: state.a, image: null, at: null, target: null, show: 'all' })
        }
      >
        Swap
      </button>
      {error !== null && data.length === 0 && (state.a === null || state.b === null) && (
        <Trouble error={error} />
      )}
    </section>
  );
}

/** Jobs to choose from, those of the same photos first, and the chosen one, however old it is. */
function choicesOf(jobs: readonly JobStatus[], chosen: string | null, beside: string | null) {
  const dataset = jobs.find(({ id }) => id === beside)?.dataset;
  const isSame = (job: JobStatus): number => Number(job.dataset === dataset);
  const listed = jobs
    .filter(({ id }) => id === chosen || id !== beside)
    .toSorted((x, y) => isSame(y) - isSame(x))
    .map((job) => ({
      value: job.id,
      label: `${job.model.name} · ${strideOf(job)} · ${formatTime(job.createdAt)}`,
      note: job.dataset === dataset ? 'same photos' : formatCount(job.counts.total, 'photo'),
    }));
  const isListed = jobs.some(({ id }) => id === chosen);
  const first = isListed ? [] : [{ value: chosen ?? '', label: chosen ?? 'Choose a job' }];
  return [...first, ...listed];
}

const strideOf = ({ settings: { patch, stride } }: JobStatus): string => {
  const patches = 'height' in patch ? [patch] : patch;
  return `patch ${patches.map(({ width }) => width).join(', ')}, stride ${stride.x}`;
};

/** Counts are asked for again so often while a job runs. */
const runningMs = 5_000;

function Comparison({ a, b, ...props }: CompareProps & { readonly a: string; readonly b: string }) {
  const [one, other] = [useJob(a), useJob(b)];
  const error = one.error ?? other.error;
  if (one.data === undefined || other.data === undefined) {
    if (error === null) return <Loading what="the jobs" />;
    const retry = () => void Promise.all([one.refetch(), other.refetch()]);
    return <Trouble error={error} onRetry={retry} />;
  }
  return <Compared jobs={{ a: one.data, b: other.data }} {...props} />;
}

function Compared({ jobs, state, change }: CompareProps & { readonly jobs: ComparedJobs }) {
  const hasEnded = isEnded(jobs.a) && isEnded(jobs.b);
  const { data, error, refetch } = useQuery({
    queryKey: ['comparison', ...comparedKey(jobs)],
    queryFn: ({ signal }) => countDifferences({ a: jobs.a.id, b: jobs.b.id }, signal),
    refetchInterval: askEach<JobComparison>(() => (hasEnded ? false : runningMs)),
  });
  const listed = useComparedRows(jobs, state, data);
  return (
    <>
      <JobDifferences jobs={jobs} />
      {data === undefined && error === null && <Loading what="the comparison" />}
      {data === undefined && error !== null && (
        <Trouble error={error} onRetry={() => void refetch()} />
      )}
      {data !== undefined && <Counts counts={data} state={state} change={change} />}
      {state.image !== null && (
        <CompareImage
          key={state.image}
          jobs={jobs}
          image={state.image}
          rows={rowsOf(listed)}
          state={state}
          change={change}
        />
      )}
      {data !== undefined && data.both > 0 && (
        <ComparedList jobs={jobs} listed={listed} state={state} change={change} />
      )}
    </>
  );
}

/** What the jobs do otherwise. */
function JobDifferences({ jobs: { a, b } }: { readonly jobs: ComparedJobs }) {
  const differences = jobDifferences(a, b);
  return (
    <section className="card compare-settings">
      <h2>What differs</h2>
      {differences.length === 0 ? (
        <p className="note">Nothing: the same model with the same settings on the same photos.</p>
      ) : (
        <div className="scroller">
          <table className="table">
            <thead>
              <tr>
                <th scope="col">Setting</th>
                {[a, b].map((job, index) => (
                  <th key={index === 0 ? 'a' : 'b'} scope="col">
                    <Link href={`/jobs/${job.id}`}>Job {index === 0 ? 'A' : 'B'}</Link>
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {differences.map(({ name, ...words }) => (
                <tr key={name}>
                  <th scope="row">{name}</th>
                  <td>{words.a}</td>
                  <td>{words.b}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

type CountsProps = CompareProps & { readonly counts: JobComparison };

/** How many images differ, each to show these alone. */
function Counts({ counts, state, change }: CountsProps) {
  const { both, onlyJob, onlyOther, completed, matchedBy } = counts;
  const shown: readonly (readonly [ShowName, string, number])[] = [
    ['all', 'photos in both', both],
    ['changed', 'predictions changed', counts.predictedChanged],
    ['lost', 'right in A, wrong in B', counts.rightToWrong],
    ['gained', 'wrong in A, right in B', counts.wrongToRight],
  ];
  if (both === 0) {
    return (
      <Empty title="No photo is in both jobs">
        Photos are the same if their files are: job A has {onlyJob} others, job B {onlyOther}.
      </Empty>
    );
  }
  return (
    <section aria-label="Counts">
      <div className="compare-counts">
        {shown.map(([show, words, count]) => (
          <button
            key={show}
            type="button"
            className="compare-count"
            aria-pressed={state.show === show}
            onClick={() => change({ show })}
          >
            <strong>{count.toLocaleString('en')}</strong> <span>{words}</span>
          </button>
        ))}
      </div>
      <p className="note">
        {onlyJob.toLocaleString('en')} only in A, {onlyOther.toLocaleString('en')} only in B.
        {matchedBy === 'photo' && ' Photos are matched by their content.'}
        {completed < both && ` ${completed.toLocaleString('en')} are finished in both.`}
        {!counts.isSameScore && ' The jobs score in different units, so scores are not subtracted.'}
      </p>
    </section>
  );
}
