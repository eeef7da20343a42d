import { useQuery } from '@tanstack/react-query';
import { Link } from 'wouter';
import { useIdentity } from '../api/auth.js';
import { type ListedWorker, listWorkers, type RunningWork } from '../api/models.js';
import { askEach } from '../api/polling.js';
import { formatCount, formatDuration } from '../lib/format.js';
import { PageHead } from '../parts/page-head.js';
import { Empty, Loading, Trouble } from '../parts/states.js';
import { QueueView } from './queue-view.js';

const pollMs = 3_000;

/** Who runs what now, and what waits. */
export function WorkersPage() {
  const { data, error, refetch } = useQuery({
    queryKey: ['workers'],
    queryFn: ({ signal }) => listWorkers(signal),
    refetchInterval: askEach<unknown>(() => pollMs),
  });
  return (
    <>
      <PageHead
        title="Workers and queue"
        lead="Processes that run models, what each of them runs now, and what waits for them."
      />
      {data === undefined && error === null && <Loading what="the workers" />}
      {data === undefined && error !== null && (
        <Trouble error={error} onRetry={() => void refetch()} />
      )}
      {data?.length === 0 && (
        <Empty title="No worker is up">Jobs wait until one is started; nothing is lost.</Empty>
      )}
      {data !== undefined && data.length > 0 && (
        <ul className="list" aria-label="Workers">
          {data.map((worker) => (
            <WorkerRow key={worker.id} worker={worker} />
          ))}
        </ul>
      )}
      {(data !== undefined || error === null) && <QueueView pollMs={pollMs} />}
    </>
  );
}

function WorkerRow({ worker }: { readonly worker: ListedWorker }) {
  const { id, formats, backends, inferenceThreads, umbraVersion, running, othersRunning } = worker;
  const isBusy = running.length > 0 || othersRunning > 0;
  return (
    <li className="list-row worker-row">
      <div className="list-words">
        <span className="list-name id">{id}</span>
        <span className="note">
          {formats.length === 0 ? 'runs no models' : formats.join(', ')}
          {Object.values(backends).map((backend) => ` · ${backend}`)}
          {umbraVersion !== undefined && ` · Umbra ${umbraVersion}`}
        </span>
      </div>
      <span className="number">{formatCount(inferenceThreads, 'inference thread')}</span>
      <span className="badge" data-state={isBusy ? 'in_progress' : 'idle'}>
        {isBusy ? 'At work' : 'Idle'}
      </span>
      {isBusy && (
        <ul className="work">
          {running.map((work) => (
            <WorkItem
              key={`${work.step} ${work.job} ${work.image} ${work.rows?.start}`}
              work={work}
              seenAt={worker.seenAt}
            />
          ))}
          {othersRunning > 0 && (
            <li className="note">
              Busy for another tenant: {formatCount(othersRunning, 'piece')} of work
            </li>
          )}
        </ul>
      )}
    </li>
  );
}

const stepWords: Readonly<Record<RunningWork['step'], string>> = {
  ingest: 'Reads a dataset',
  shard: 'Scores',
  merge: 'Merges',
  archive: 'Writes the archive',
  webhook: 'Posts an event',
  report: 'Writes the report',
  trial: 'Runs a trial',
};

type WorkItemProps = { readonly work: RunningWork; readonly seenAt: string };

function WorkItem({ work, seenAt }: WorkItemProps) {
  const { step, tenant, job, image, rows, model, since } = work;
  // Both by the clock of Redis.
  const seconds = (Date.parse(seenAt) - Date.parse(since)) / 1000;
  const isOwn = useIdentity()?.tenant === tenant;
  return (
    <li className="work-item">
      <span>
        {stepWords[step]}
        {rows !== null && ` ${rowWords(rows)}`}
        {image !== null && (
          <>
            {' '}
            of <WorkLink isOwn={isOwn} path={`/jobs/${job}/images/${image}`} words={image} />
          </>
        )}
        {model !== null && ` by ${model}`}
      </span>
      {job !== null && (
        <span className="note">
          <WorkLink isOwn={isOwn} path={`/jobs/${job}`} words={job} />
          {!isOwn && ` · tenant ${tenant}`}
        </span>
      )}
      <span className="note number">for {formatDuration(seconds)}</span>
    </li>
  );
}

/** Rows count from 0, as in the arrays. */
const rowWords = ({ start, end }: NonNullable<RunningWork['rows']>): string =>
  end - start === 1 ? `row ${start}` : `rows ${start} to ${end - 1}`;

type WorkLinkProps = { readonly isOwn: boolean; readonly path: string; readonly words: string };

/** Pages show the own tenant's jobs alone: another one's has a name and no link. */
const WorkLink = ({ isOwn, path, words }: WorkLinkProps) =>
  isOwn ? (
    <Link className="id" href={path}>
      {words}
    </Link>
  ) : (
    <span className="id">{words}</span>
  );
