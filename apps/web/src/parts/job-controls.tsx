import { useMutation, useQueryClient } from '@tanstack/react-query';
import { controlJob, isEnded, type JobAction, type JobStatus } from '../api/jobs.js';
import { isService } from '../api/source.js';

/** What may be asked of a job as it is. */
export function actionsOf(job: JobStatus): readonly JobAction[] {
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

/** Ask something of a job, and tell the page how it is then. */
function useJobControl(job: JobStatus) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (action: JobAction) => controlJob(job.id, action),
    onSuccess: (next) => {
      queries.setQueryData(['job', job.id], next);
      void queries.invalidateQueries({ queryKey: ['jobs'] });
    },
  });
}

/** Button that runs images again that failed, beside those. */
export function RetryButton({ job }: { readonly job: JobStatus }) {
  const { mutate, isPending, error } = useJobControl(job);
  return (
    <div className="row">
      <button type="button" className="button" disabled={isPending} onClick={() => mutate('retry')}>
        Retry these
      </button>
      {error !== null && (
        <span className="bad" role="alert">
          {error.message}
        </span>
      )}
    </div>
  );
}

/** Buttons that pause, resume, cancel and retry a job. */
export function JobControls({ job }: { readonly job: JobStatus }) {
  const { mutate, isPending, error } = useJobControl(job);
  if (!isService() || (actionsOf(job).length === 0 && error === null)) return null;
  return (
    <div className="row">
      {actionsOf(job).map((action) => (
        <button
          key={action}
          type="button"
          className="button"
          disabled={isPending}
          onClick={() => mutate(action)}
        >
          {labels[action]}
        </button>
      ))}
      {error !== null && (
        <span className="bad" role="alert">
          {error.message}
        </span>
      )}
    </div>
  );
}
