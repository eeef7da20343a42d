import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { Link, useLocation, useSearchParams } from 'wouter';
import type { UploadedDataset } from '../api/datasets.js';
import { createJob, listImages } from '../api/jobs.js';
import { keepChosen } from '../api/pictures.js';
import type { NamedFile } from '../lib/chosen-files.js';
import { newJobPath } from '../lib/job-form.js';
import { Pick } from '../parts/choices.js';
import { PageHead } from '../parts/page-head.js';
import { PhotoUpload } from '../parts/photo-upload.js';
import { Loading, Trouble } from '../parts/states.js';
import { TextField } from '../parts/text-field.js';
import { JobList, useJobs } from './jobs.js';
import { useModels } from './models.js';

const maxRecent = 4;
const maxListed = 100;

type Wish = {
  readonly dataset: UploadedDataset;
  readonly files: readonly NamedFile[];
  readonly model: string;
  readonly patch: string;
  readonly stride: string;
};

/** Have uploaded photos explained. @returns Where to watch it, and to read which were refused. */
async function explain({ dataset, files, model, patch, stride }: Wish): Promise<string> {
  const { id, images, refusals } = dataset;
  const settings = {
    ...(patch !== '' && { patch: Number(patch) }),
    ...(stride !== '' && { stride: Number(stride) }),
  };
  const job = await createJob({ dataset: id, model, settings }, images);
  const { data } = await listImages(job.id, { limit: maxListed });
  for (const { id: image, name } of data) {
    const found = files.find((one) => one.name === name);
    if (found !== undefined) keepChosen({ job: job.id, image }, found.file);
  }
  const [first] = data;
  const isAlone = images === 1 && refusals.length === 0;
  return isAlone && first ? `/jobs/${job.id}/images/${first.id}` : `/jobs/${job.id}`;
}

export function ExplainPage() {
  const models = useModels();
  const [, navigate] = useLocation();
  const [search, setSearch] = useSearchParams();
  const [patch, setPatch] = useState('');
  const [stride, setStride] = useState('');
  const { mutate, isPending, error, reset, variables } = useMutation({
    mutationFn: explain,
    onSuccess: (path) => navigate(path),
  });
  const chosen = search.get('model') ?? models.data?.[0]?.name;
  return (
    <>
      <PageHead
        title="Where does the model look?"
        windowTitle="Explain"
        lead="Drop a photo. Umbra covers it patch by patch and asks the model again: where its score falls, there it was looking."
      />
      {models.error !== null && models.data === undefined && (
        <Trouble error={models.error} onRetry={() => void models.refetch()} />
      )}
      {models.isPending && <Loading what="the models" />}
      {models.data !== undefined && chosen === undefined && (
        <p className="lead">
          This service has no model yet: <code>umbra models add</code> adds one.
        </p>
      )}
      {models.data !== undefined && chosen !== undefined && (
        <div className="explain">
          <PhotoUpload
            busy={isPending ? <p className="drop-words">Being started …</p> : null}
            onStart={reset}
            onUploaded={(dataset, files) =>
              mutate({ dataset, files, model: chosen, patch, stride })
            }
          />
          <div className="card">
            <Pick
              label="Model"
              value={chosen}
              choices={models.data.map(({ name, input }) => ({
                value: name,
                label: name,
                note: `${input.width} × ${input.height} px`,
              }))}
              onChange={(model) => setSearch({ model }, { replace: true })}
            />
            <div className="pair">
              <PxField label="Patch" fallback={32} value={patch} onChange={setPatch} />
              <PxField label="Stride" fallback={16} value={stride} onChange={setStride} />
            </div>
            <p className="note">
              A patch covers what is under it; the stride is the step between patches. Both are in
              pixels of the model's input.
            </p>
            <Link href={newJobPath({ model: chosen, patch, stride })}>More settings</Link>
          </div>
        </div>
      )}
      {error !== null && variables !== undefined && chosen !== undefined && (
        <Trouble
          error={error}
          // Its photos are there already.
          onRetry={() => mutate({ ...variables, model: chosen, patch, stride })}
        />
      )}
      <RecentJobs />
    </>
  );
}

type PxFieldProps = {
  readonly label: string;
  readonly fallback: number;
  readonly value: string;
  readonly onChange: (value: string) => void;
};

const PxField = ({ label, fallback, ...field }: PxFieldProps) => (
  <TextField
    {...field}
    label={`${label}, px`}
    type="number"
    inputMode="numeric"
    min={1}
    max={16384}
    placeholder={String(fallback)}
  />
);

function RecentJobs() {
  const { data } = useJobs();
  if (data === undefined || data.length === 0) return null;
  return (
    <section className="section">
      <div className="section-head">
        <h2>Latest jobs</h2>
        <Link href="/jobs">All jobs</Link>
      </div>
      <JobList jobs={data.slice(0, maxRecent)} />
    </section>
  );
}
