import { useMutation, useQueryClient } from '@tanstack/react-query';
import { controlJob, isEnded, type JobAction, type JobStatus } from '../api/jobs.js';
import { isService } from '../api/source.js';
import { FailureWords } from './states.js';

/** What may be asked of a job as it is. */
function actionsOf(job: JobStatus): readonly JobAction[] {
  const { state, counts } = job;
  if (isEnded(job)) return counts.completed < counts.total ? ['retry'] : [];
  if (state === 'finalizing' || state === 'cancelling') return [];
  return [state === 'paused' ? 'resume' : 'pause', 'cancel'];
}

const labels: Readonly<Record<JobAction, string>> = {
  pause: 'Pause',
  resume: 'Resume',
  cancel: 'Cancel',
  retry: 'Retry what is missing',
};

type ActionsProps = {
  readonly job: JobStatus;
  readonly actions: readonly JobAction[];
  readonly words: Readonly<Record<JobAction, string>>;
};

/** Buttons that ask something of a job, and tell the page how it is then. */
function Actions({ job, actions, words }: ActionsProps) {
  const queries = useQueryClient();
  const { mutate, isPending, error } = useMutation({
    mutationFn: (action: JobAction) => controlJob(job.id, action),
    onSuccess: (next) => {
      queries.setQueryData(['job', job.id], next);
      void queries.invalidateQueries({ queryKey: ['jobs'] });
    },
  });
  if (actions.length === 0 && error === null) return null;
  return (
    <div className="row">
      {actions.map((action) => (
        <button
          key={action}
          type="button"
          className="button"
          disabled={isPending}
          onClick={() => mutate(action)}
        >
          {words[action]}
        </button>
      ))}
      <FailureWords error={error} />
    </div>
  );
}

/** Button that runs images again that failed, beside those. */
export const RetryButton = ({ job }: { readonly job: JobStatus }) => (
  <Actions job={job} actions={['retry']} words={{ ...labels, retry: 'Retry these' }} />
);

/** Buttons that pause, resume, cancel and retry a job. */
export const JobControls = ({ job }: { readonly job: JobStatus }) =>
  isService() ? <Actions job={job} actions={actionsOf(job)} words={labels} /> : null;
