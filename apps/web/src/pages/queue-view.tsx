import { useQuery } from '@tanstack/react-query';
import { Link } from 'wouter';
import { getQueue, type QueuedJob, type QueueReport } from '../api/models.js';
import { askEach } from '../api/polling.js';
import { formatCount, formatDuration, formatTime } from '../lib/format.js';
import { StateBadge } from '../parts/progress.js';
import { Loading, Trouble } from '../parts/states.js';

/** What waits: shards of all tenants by number, and the own jobs by name, with what each waits for. */
export function QueueView({ pollMs }: { readonly pollMs: number }) {
  const { data, error, refetch, dataUpdatedAt } = useQuery({
    queryKey: ['queue'],
    queryFn: ({ signal }) => getQueue(signal),
    refetchInterval: askEach<unknown>(() => pollMs),
  });
  return (
    <section className="section" aria-labelledby="queue">
      <div className="section-head">
        <h2 id="queue">Queue</h2>
      </div>
      {data === undefined && error === null && <Loading what="the queue" />}
      {data === undefined && error !== null && (
        <Trouble error={error} onRetry={() => void refetch()} />
      )}
      {data !== undefined && (
        <>
          <ul className="queues">
            {data.shards.map((shards) => (
              <QueueCard key={shards.formats.join()} shards={shards} nowMs={dataUpdatedAt} />
            ))}
          </ul>
          <h2 className="section-title">Your unfinished jobs</h2>
          {data.jobs.length === 0 ? (
            <p className="note">None: nothing of yours waits.</p>
          ) : (
            <ul className="list" aria-label="Your unfinished jobs">
              {data.jobs.map((job) => (
                <QueuedJobRow key={job.id} job={job} />
              ))}
            </ul>
          )}
          {data.unlisted !== 0 && (
            <p className="note">
              {data.unlisted === null ? 'Many more than these' : `${data.unlisted} more`} are
              unfinished: <Link href="/jobs">all jobs</Link>.
            </p>
          )}
        </>
      )}
    </section>
  );
}

type QueueCardProps = { readonly shards: QueueReport['shards'][number]; readonly nowMs: number };

function QueueCard({ shards: { formats, waiting, running, oldestAt }, nowMs }: QueueCardProps) {
  return (
    <li className="card queue-card">
      <h3>{formats.join(', ')}</h3>
      <p>
        <strong className="queue-number">{waiting.toLocaleString('en')}</strong>{' '}
        {waiting === 1 ? 'shard waits' : 'shards wait'}
      </p>
      <p className="note">
        {formatCount(running, 'shard')} at work
        {oldestAt !== null &&
          ` · the oldest has waited ${formatDuration((nowMs - Date.parse(oldestAt)) / 1000)}`}
      </p>
    </li>
  );
}

function QueuedJobRow({ job }: { readonly job: QueuedJob }) {
  const { id, state, model, createdAt, counts, imagesInFlight, waitsFor } = job;
  return (
    <li className="list-row queued-row">
      <div className="list-words">
        <Link className="list-name" href={`/jobs/${id}`}>
          {formatCount(counts.total, 'photo')} by {model}
        </Link>
        <span className="note">
          {formatTime(createdAt)} · <span className="id">{id}</span>
        </span>
        {waitsFor !== null && <span>Waits for {waitsFor.words}</span>}
        {waitsFor === null && state === 'in_progress' && (
          <span className="note">A worker is at it</span>
        )}
      </div>
      <StateBadge state={state} />
      <span className="note number">
        {counts.completed} of {counts.total} done · {imagesInFlight} in the queue
      </span>
    </li>
  );
}
