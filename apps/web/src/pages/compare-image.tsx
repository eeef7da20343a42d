import { useQuery } from '@tanstack/react-query';
import { useEffect, useRef } from 'react';
import { Link, useLocation } from 'wouter';
import { type ComparedRow, type ImageRow, listCompared } from '../api/compare.js';
import type { JobStatus } from '../api/jobs.js';
import { Empty, Loading, Trouble } from '../parts/states.js';
import { useKeys } from '../parts/use-keys.js';
import { type ComparedJobs, type CompareProps, comparedKey } from './compare-jobs.js';
import { decisionOf, hrefOf, predictionWords } from './compare-list.js';
import { LinkedMaps } from './compare-maps.js';
import { useImageSide } from './use-image-side.js';

export type CompareImageProps = CompareProps & {
  readonly jobs: ComparedJobs;
  /** As the first job names it. */
  readonly image: string;
  /** The list that it was chosen from. */
  readonly rows: readonly ComparedRow[];
};

/** One photo, as two jobs see it. */
export function CompareImage({ jobs, image, rows, state, change }: CompareImageProps) {
  const { data, error, refetch } = useQuery({
    queryKey: ['compared image', ...comparedKey(jobs), image],
    queryFn: ({ signal }) =>
      listCompared(
        { a: jobs.a.id, b: jobs.b.id },
        { sort: 'index', where: [`id=${image}`], limit: 1 },
        signal,
      ),
  });
  const row = data?.data[0];
  return (
    <section className="section compare-image">
      <div className="section-head">
        <ImageTitle name={row?.name ?? image} />
        <ImageSteps image={image} rows={rows} state={state} />
      </div>
      {data === undefined && error === null && <Loading what="the photo" />}
      {data === undefined && error !== null && (
        <Trouble error={error} onRetry={() => void refetch()} />
      )}
      {data !== undefined && row === undefined && (
        <Empty title="This photo is not in both jobs">
          <Link href={`/jobs/${jobs.a.id}/images/${image}`}>Look at it in job A</Link>
        </Empty>
      )}
      {row !== undefined && <p className="lead">{predictionWords(row)}</p>}
      {row !== undefined &&
        (row.state === 'completed' && row.other.state === 'completed' ? (
          <BothMaps row={row} jobs={jobs} state={state} change={change} />
        ) : (
          <Unfinished row={row} jobs={jobs} />
        ))}
    </section>
  );
}

/** The photos before and after it in the list, and the way back. */
function ImageSteps({ image, rows, state }: Pick<CompareImageProps, 'image' | 'rows' | 'state'>) {
  const [, navigate] = useLocation();
  const at = rows.findIndex(({ id }) => id === image);
  const hrefAt = (index: number): string | null => {
    const row = at < 0 ? undefined : rows[index];
    return row === undefined ? null : hrefOf(state, row.id);
  };
  const steps = [
    { word: 'Previous', keyName: 'k', href: hrefAt(at - 1) },
    { word: 'Next', keyName: 'j', href: hrefAt(at + 1) },
  ];
  const go = (href: string | null | undefined) => href && navigate(href);
  useKeys({ k: () => go(steps[0]?.href), j: () => go(steps[1]?.href) });
  return (
    <nav className="row" aria-label="Photos of the list">
      {steps.map(({ word, keyName, href }) =>
        href === null ? null : (
          <Link key={word} className="button" href={href}>
            {word} <kbd>{keyName}</kbd>
          </Link>
        ),
      )}
      <Link className="button" href={hrefOf(state, null)}>
        Close
      </Link>
    </nav>
  );
}

/** Keys and screen readers go on from the photo that was chosen. */
function ImageTitle({ name }: { readonly name: string }) {
  const title = useRef<HTMLHeadingElement>(null);
  useEffect(() => title.current?.focus(), []);
  return (
    <h2 ref={title} tabIndex={-1}>
      {name}
    </h2>
  );
}

type RowProps = { readonly row: ComparedRow; readonly jobs: ComparedJobs };

/** What became of a photo that one of the jobs has no map of. */
function Unfinished({ row, jobs }: RowProps) {
  const sides: readonly (readonly [string, JobStatus, ImageRow])[] = [
    ['A', jobs.a, row],
    ['B', jobs.b, row.other],
  ];
  return (
    <ul className="compare-sides">
      {sides.map(([name, job, one]) => (
        <li key={name} className="card">
          <h3>
            {name} · {job.model.name}
          </h3>
          {one.state === 'completed' ? (
            <p>
              {decisionOf(one)}.{' '}
              <Link href={`/jobs/${job.id}/images/${one.id}`}>Look at its map</Link>
            </p>
          ) : (
            <p className={one.state === 'failed' ? 'bad' : 'note'}>
              {one.error?.message ?? `It is ${decisionOf(one)}, so there is nothing to compare.`}
            </p>
          )}
        </li>
      ))}
    </ul>
  );
}

function BothMaps({ row, jobs, state, change }: RowProps & CompareProps) {
  const one = useImageSide(jobs.a, row.id);
  const other = useImageSide(jobs.b, row.other.id);
  const error = one.error ?? other.error;
  if (error !== null) return <Trouble error={error} />;
  if (one.maps === null || other.maps === null) return <Loading what="the maps" />;
  return <LinkedMaps one={one} other={other} state={state} change={change} />;
}
