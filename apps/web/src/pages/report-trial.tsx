import type { JobReport, Trial } from '../api/reports.js';
import { isService } from '../api/source.js';
import { BeforeAfter } from '../charts/before-after.js';
import { formatTime } from '../lib/format.js';
import { regionWords } from '../lib/region.js';
import { clusterName } from '../lib/report-words.js';
import { isTrialEnded, trialBars, trialStateWords, trialWords } from '../lib/trial-words.js';
import { FailureWords } from '../parts/states.js';
import { useCancelTrial, useTry } from './use-trials.js';

type TryButtonProps = {
  readonly job: string;
  readonly cluster: number;
  readonly isRunning: boolean;
  readonly wasTried: boolean;
};

/** Asks what the patches of a cluster cause. */
export function TryButton({ job, cluster, isRunning, wasTried }: TryButtonProps) {
  const { mutate, isPending, error } = useTry(job);
  if (!isService()) return null;
  return (
    <>
      <button
        type="button"
        className="button button-try"
        disabled={isPending || isRunning}
        onClick={() => mutate({ kind: 'cluster', cluster })}
      >
        {wasTried ? 'Try it again' : 'Try it'}
      </button>
      <FailureWords error={error} />
    </>
  );
}

/** How far a trial is, and then what it showed, in words and bars. */
export function TrialView({ trial }: { readonly trial: Trial }) {
  if (!isTrialEnded(trial)) return <TrialProgress trial={trial} />;
  if (trial.result === null) {
    return (
      <p className={trial.state === 'failed' ? 'bad' : 'note'}>
        {trial.error?.message ?? `${trialStateWords[trial.state]}: it has no result.`}
      </p>
    );
  }
  return (
    <div className="trial" role="status">
      {trialWords(trial).map((words) => (
        <p key={words}>{words}</p>
      ))}
      <BeforeAfter bars={trialBars(trial)} />
    </div>
  );
}

function TrialProgress({ trial }: { readonly trial: Trial }) {
  const { mutate, isPending, error } = useCancelTrial();
  const { done, total } = trial.progress;
  return (
    <div className="trial-progress" role="status">
      <div className="progress">
        <progress
          className="progress-bar"
          {...(total > 0 && { max: total, value: done })}
          aria-label="Progress of the trial"
        />
        <span className="progress-words">
          {total === 0
            ? 'Waits for a worker'
            : `Covers and pastes: ${done.toLocaleString('en')} of ${total.toLocaleString('en')} images`}
        </span>
      </div>
      {isService() && (
        <button type="button" className="button" disabled={isPending} onClick={() => mutate(trial)}>
          Cancel
        </button>
      )}
      <FailureWords error={error} />
    </div>
  );
}

type TrialListProps = { readonly report: JobReport; readonly trials: readonly Trial[] };

/** Every trial of the job, with what it was of. */
export function TrialList({ report, trials }: TrialListProps) {
  if (trials.length === 0) return null;
  return (
    <div className="trials">
      <h3>Trials</h3>
      <ul>
        {trials.map((trial) => (
          <li key={trial.id} className="trial-item">
            <details>
              <summary>
                <span className="trial-name">{nameOfTrial(trial, report)}</span>
                <span className="badge" data-state={trial.state}>
                  {trialStateWords[trial.state]}
                </span>
                <span className="note">{formatTime(trial.createdAt)}</span>
              </summary>
              <TrialView trial={trial} />
            </details>
          </li>
        ))}
      </ul>
    </div>
  );
}

/** Whether a trial is of a cluster as the report has it now, and not of one before. */
export const isOfReport = (trial: Trial, { writtenAt }: Pick<JobReport, 'writtenAt'>): boolean =>
  Date.parse(trial.createdAt) >= Date.parse(writtenAt);

function nameOfTrial(trial: Trial, report: JobReport): string {
  const { of } = trial.request;
  if (of.kind === 'region') return `${of.class}, ${regionWords(of.region)}`;
  const cluster = report.patches.clusters.find(({ id }) => id === of.cluster);
  if (cluster !== undefined && isOfReport(trial, report)) return clusterName(cluster);
  return `${trial.class?.label ?? 'A class'}, cluster ${of.cluster} of an earlier report`;
}
