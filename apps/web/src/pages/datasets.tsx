import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { Link } from 'wouter';
import { type Dataset, listDatasets, type UploadedDataset } from '../api/datasets.js';
import { askEach } from '../api/polling.js';
import { formatBytes, formatCount, formatTime } from '../lib/format.js';
import { newJobPath } from '../lib/job-form.js';
import { Failures } from '../parts/failures.js';
import { PageHead } from '../parts/page-head.js';
import { PhotoUpload } from '../parts/photo-upload.js';
import { Loading, Trouble } from '../parts/states.js';

const validatingMs = 1_000;

export function DatasetsPage() {
  const { data, error, refetch } = useQuery({
    queryKey: ['datasets'],
    queryFn: ({ signal }) => listDatasets(signal),
    refetchInterval: askEach<readonly Dataset[]>((datasets) =>
      datasets?.some(({ state }) => state === 'validating') ? validatingMs : false,
    ),
  });
  return (
    <>
      <PageHead title="Datasets" lead="Photos that jobs explain." />
      <div className="datasets">
        <NewDataset />
        {data === undefined && error === null && <Loading what="the datasets" />}
        {data === undefined && error !== null && (
          <Trouble error={error} onRetry={() => void refetch()} />
        )}
        {data?.length === 0 && <p className="note">No datasets yet: drop photos to make one.</p>}
        {data !== undefined && data.length > 0 && (
          <ul className="list">
            {data.map((dataset) => (
              <DatasetRow key={dataset.id} dataset={dataset} />
            ))}
          </ul>
        )}
      </div>
    </>
  );
}

/** Makes a dataset of photos, and tells what came of it. */
function NewDataset() {
  const queries = useQueryClient();
  const [uploaded, setUploaded] = useState<UploadedDataset | null>(null);
  return (
    <>
      <PhotoUpload
        canLabel
        onStart={() => setUploaded(null)}
        onUploaded={(dataset) => {
          setUploaded(dataset);
          void queries.invalidateQueries({ queryKey: ['datasets'] });
        }}
      />
      {uploaded !== null && (
        <div className="card uploaded" role="status">
          <p>
            {formatCount(uploaded.images, 'photo')} ({formatBytes(uploaded.bytes)}) taken
            {uploaded.refused > 0 && `, ${formatCount(uploaded.refused, 'file')} refused`}.
          </p>
          <Link className="button button-first" href={newJobPath({ dataset: uploaded.id })}>
            New job
          </Link>
        </div>
      )}
      {uploaded !== null && uploaded.refused > 0 && (
        <Failures title="Refused" failures={uploaded.refusals} count={uploaded.refused} />
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
      {state === 'ready' && (
        <Link
          className="button"
          href={newJobPath({ dataset: id })}
          aria-label={`New job of ${formatCount(images, 'photo')}, ${id}`}
        >
          New job
        </Link>
      )}
    </li>
  );
}
