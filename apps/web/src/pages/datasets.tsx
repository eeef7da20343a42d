import { useQuery } from '@tanstack/react-query';
import { Link } from 'wouter';
import { type Dataset, listDatasets } from '../api/datasets.js';
import { formatBytes, formatCount, formatTime } from '../lib/format.js';
import { PageHead } from '../parts/page-head.js';
import { Empty, Loading, Trouble } from '../parts/states.js';

export function DatasetsPage() {
  const { data, error, refetch } = useQuery({
    queryKey: ['datasets'],
    queryFn: ({ signal }) => listDatasets(signal),
  });
  return (
    <>
      <PageHead title="Datasets" lead="Photos that jobs explain." />
      {data === undefined && error === null && <Loading what="the datasets" />}
      {data === undefined && error !== null && (
        <Trouble error={error} onRetry={() => void refetch()} />
      )}
      {data?.length === 0 && (
        <Empty title="No datasets yet">
          <Link href="/">Drop photos</Link>, and they become one.
        </Empty>
      )}
      {data !== undefined && data.length > 0 && (
        <ul className="list">
          {data.map((dataset) => (
            <DatasetRow key={dataset.id} dataset={dataset} />
          ))}
        </ul>
      )}
    </>
  );
}

function DatasetRow({ dataset }: { readonly dataset: Dataset }) {
  const { id, state, images, bytes, createdAt } = dataset;
  return (
    <li className="list-row">
      <div className="list-words">
        <span className="list-name">{formatCount(images, 'photo')}</span>
        <span className="note">
          {formatTime(createdAt)} · <span className="id">{id}</span>
        </span>
      </div>
      <span className="badge" data-state={state}>
        {state}
      </span>
      <span className="number">{formatBytes(bytes)}</span>
    </li>
  );
}
