import { useQuery } from '@tanstack/react-query';
import { listWorkers, type WorkerNotice } from '../api/models.js';
import { askEach } from '../api/polling.js';
import { formatCount } from '../lib/format.js';
import { PageHead } from '../parts/page-head.js';
import { Empty, Loading, Trouble } from '../parts/states.js';

const pollMs = 5_000;

export function WorkersPage() {
  const { data, error, refetch } = useQuery({
    queryKey: ['workers'],
    queryFn: ({ signal }) => listWorkers(signal),
    refetchInterval: askEach<unknown>(() => pollMs),
  });
  return (
    <>
      <PageHead title="Workers" lead="Processes that run models now." />
      {data === undefined && error === null && <Loading what="the workers" />}
      {data === undefined && error !== null && (
        <Trouble error={error} onRetry={() => void refetch()} />
      )}
      {data?.length === 0 && (
        <Empty title="No worker is up">Jobs wait until one is started; nothing is lost.</Empty>
      )}
      {data !== undefined && data.length > 0 && (
        <ul className="list">
          {data.map((worker) => (
            <WorkerRow key={worker.id} worker={worker} />
          ))}
        </ul>
      )}
    </>
  );
}

function WorkerRow({ worker }: { readonly worker: WorkerNotice }) {
  const { id, formats, backends, inferenceThreads, umbraVersion } = worker;
  return (
    <li className="list-row">
      <div className="list-words">
        <span className="list-name">{id}</span>
        <span className="note">
          {formats.length === 0 ? 'runs no models' : formats.join(', ')}
          {Object.values(backends).map((backend) => ` · ${backend}`)}
        </span>
      </div>
      <span className="number">{formatCount(inferenceThreads, 'inference thread')}</span>
      <span className="note">{umbraVersion ?? ''}</span>
    </li>
  );
}
