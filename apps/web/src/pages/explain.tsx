import { useMutation } from '@tanstack/react-query';
import { useId, useState } from 'react';
import { Link, useLocation, useSearchParams } from 'wouter';
import { uploadPhotos } from '../api/datasets.js';
import { ServiceError } from '../api/http.js';
import { createJob, listImages } from '../api/jobs.js';
import { keepChosen } from '../api/pictures.js';
import type { NamedFile } from '../lib/chosen-files.js';
import { Pick } from '../parts/choices.js';
import { DropZone } from '../parts/drop-zone.js';
import { Failures } from '../parts/failures.js';
import { PageHead } from '../parts/page-head.js';
import { Loading, Trouble } from '../parts/states.js';
import { JobList, useJobs } from './jobs.js';
import { useModels } from './models.js';

/** Few rows in a shard, so that the first of them are there soon. */
const rowsPerShard = 2;
const maxRecent = 4;
const maxListed = 100;

type Wish = {
  readonly files: readonly NamedFile[];
  readonly model: string;
  readonly patch?: number;
  readonly stride?: number;
};

/** Upload photos and have them explained. @returns Where to watch it, and to read which were refused. */
async function explain({ files, model, patch, stride }: Wish): Promise<string> {
  const { id: dataset, images, refusals } = await uploadPhotos(files);
  const settings = { ...(patch && { patch }), ...(stride && { stride }) };
  const isOne = images === 1;
  const job = await createJob({ dataset, model, settings, ...(isOne && { rowsPerShard }) });
  const { data } = await listImages(job.id, { limit: maxListed });
  for (const { id, name } of data) {
    const found = files.find((one) => one.name === name);
    if (found !== undefined) keepChosen({ job: job.id, image: id }, found.file);
  }
  const [first] = data;
  const isAlone = isOne && refusals.length === 0;
  return isAlone && first ? `/jobs/${job.id}/images/${first.id}` : `/jobs/${job.id}`;
}

export function ExplainPage() {
  const models = useModels();
  const [, navigate] = useLocation();
  const [search, setSearch] = useSearchParams();
  const [patch, setPatch] = useState('');
  const [stride, setStride] = useState('');
  const { mutate, isPending, error, reset } = useMutation({
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
          <DropZone
            isBusy={isPending}
            onFiles={(files) => {
              reset();
              const wish = { files, model: chosen };
              const sizes = { patch: Number(patch) || 0, stride: Number(stride) || 0 };
              mutate({
                ...wish,
                ...(sizes.patch && { patch: sizes.patch }),
                ...(sizes.stride && { stride: sizes.stride }),
              });
            }}
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
          </div>
        </div>
      )}
      {error !== null && <Trouble error={error} onRetry={reset} />}
      {error instanceof ServiceError && error.refusals.length > 0 && (
        <Failures title="Refused" failures={error.refusals} />
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

function PxField({ label, fallback, value, onChange }: PxFieldProps) {
  const id = useId();
  return (
    <div className="field">
      <label className="field-label" htmlFor={id}>
        {label}, px
      </label>
      <input
        id={id}
        type="number"
        inputMode="numeric"
        min={1}
        max={16384}
        placeholder={String(fallback)}
        value={value}
        onChange={(event) => onChange(event.currentTarget.value)}
      />
    </div>
  );
}

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
