import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { estimateJob, type JobEstimate, type JobWish } from '../api/jobs.js';
import { formatBytes, formatDuration } from '../lib/format.js';
import { useSettled } from './use-settled.js';

const quietMs = 300;

/** What a job would take; one that is changed meanwhile is not waited for. */
export function useEstimate(wish: JobWish | null) {
  const settled = useSettled(wish, quietMs);
  const query = useQuery({
    queryKey: ['estimate', settled],
    queryFn: ({ signal }) => estimateJob(settled as JobWish, signal),
    enabled: settled !== null,
    placeholderData: keepPreviousData,
  });
  const isOld = settled !== wish || query.isPlaceholderData;
  return {
    data: settled === null ? undefined : query.data,
    error: settled === null || isOld ? null : query.error,
    isOld,
  };
}

export type EstimateCardProps = {
  readonly estimate: ReturnType<typeof useEstimate>;
  readonly hasDataset: boolean;
  /** What keeps the job from running and is about no field of the form. */
  readonly problems: readonly string[];
  /** null while it cannot be asked for. */
  readonly onSubmit: (() => void) | null;
};

/** What it takes, and the button that starts it. */
export function EstimateCard({ estimate, hasDataset, problems, onSubmit }: EstimateCardProps) {
  const { data, isOld } = estimate;
  return (
    <section className="card estimate" aria-label="Estimate">
      <h2>What it takes</h2>
      <div aria-live="polite" aria-busy={isOld}>
        {data === undefined ? (
          <p className="note" hidden={problems.length > 0}>
            {hasDataset
              ? 'Known once the settings fit.'
              : 'Choose a dataset, or drop photos, to see it.'}
          </p>
        ) : (
          <Numbers estimate={data} />
        )}
      </div>
      {problems.map((problem) => (
        <p key={problem} className="bad" role="alert">
          {problem}
        </p>
      ))}
      <button
        type="button"
        className="button button-first"
        disabled={onSubmit === null}
        onClick={() => onSubmit?.()}
      >
        Start the job
      </button>
    </section>
  );
}

function Numbers({ estimate }: { readonly estimate: JobEstimate }) {
  const { images, positionsPerImage, forwardPasses, bytes, warnings } = estimate;
  const rows = [
    ['Photos', countOf(images)],
    ['Positions a photo', countOf(positionsPerImage)],
    ['Forward passes', countOf(forwardPasses)],
    ['Time', timeOf(estimate)],
    ['Results', bytes === null ? unknown : `about ${formatBytes(bytes)}`],
  ] as const;
  return (
    <>
      <dl className="facts">
        {rows.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {warnings.map((warning) => (
        <p key={warning} className="warning">
          {warning}
        </p>
      ))}
    </>
  );
}

const unknown = 'unknown';
const countOf = (count: number | null): string =>
  count === null ? unknown : count.toLocaleString('en');

function timeOf({ seconds, inferenceThreads }: JobEstimate): string {
  if (seconds !== null) return `about ${formatDuration(seconds)}`;
  return inferenceThreads === 0 ? 'unknown: no worker runs it now' : 'unknown before its first run';
}
