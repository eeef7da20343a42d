import { useMutation, useQuery } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { Link, useLocation, useSearchParams } from 'wouter';
import { type Dataset, getDataset, type Refusal } from '../api/datasets.js';
import { ServiceError } from '../api/http.js';
import { createJob, type JobWish } from '../api/jobs.js';
import { askEach, mayPass } from '../api/polling.js';
import {
  errorsByField,
  type FieldErrors,
  formatForm,
  type JobForm,
  parseForm,
  settingsOf,
} from '../lib/job-form.js';
import { Failures } from '../parts/failures.js';
import { PageHead } from '../parts/page-head.js';
import { PhotoUpload } from '../parts/photo-upload.js';
import { Loading, Trouble } from '../parts/states.js';
import { useModels } from './models.js';
import { EstimateCard, useEstimate } from './new-job-estimate.js';
import { NewJobForm } from './new-job-form.js';
import { JobPreview } from './new-job-preview.js';
import { firstImage, stepImage } from './result-files.js';

/** A form of a new job, all of which is in the address, and what it means for one photo. */
export function NewJobPage() {
  const [form, change] = useForm();
  const models = useModels();
  const { settings, errors } = useMemo(() => settingsOf(form), [form]);
  const model = form.model || (models.data?.[0]?.name ?? '');
  const dataset = useDataset(form.dataset);
  const isReadable = Object.keys(errors).length === 0;
  const isWhole = isReadable && form.dataset !== '' && model !== '';
  // As a text: what asks for the same is the same.
  const asked = isWhole ? JSON.stringify({ dataset: form.dataset, model, settings }) : null;
  const wish = useMemo(() => (asked === null ? null : (JSON.parse(asked) as JobWish)), [asked]);
  const estimate = useEstimate(wish);
  const submit = useSubmit(dataset.data);
  const told = toldOf(submit.error ?? estimate.error);
  const isRefused = estimate.error !== null && !mayPass(estimate.error);
  const [refusals, setRefusals] = useState<readonly Refusal[]>([]);
  return (
    <>
      <PageHead
        title="New job"
        lead="Choose what covers the photos, look at what the model would see, and start it."
      />
      <div className="image-page">
        <div className="image-main">
          {form.dataset === '' ? (
            <PhotoUpload
              canLabel
              onStart={() => setRefusals([])}
              onUploaded={(uploaded) => {
                setRefusals(uploaded.refusals);
                change({ dataset: uploaded.id, image: '' });
              }}
            />
          ) : (
            <PhotoOfDataset {...{ dataset, form, change, wish }} />
          )}
          {refusals.length > 0 && <Failures title="Refused" failures={refusals} />}
        </div>
        <section className="image-side" aria-label="Settings">
          <NewJobForm
            form={{ ...form, model }}
            models={models.data ?? []}
            errors={{ ...told.fields, ...errors }}
            change={(next) => {
              submit.reset();
              change(next);
            }}
          />
          {models.error !== null && models.data === undefined && (
            <Trouble error={models.error} onRetry={() => void models.refetch()} />
          )}
        </section>
        <EstimateCard
          estimate={estimate}
          hasDataset={form.dataset !== ''}
          problems={told.rest}
          onSubmit={
            wish === null || isRefused || submit.isPending ? null : () => submit.mutate(wish)
          }
        />
      </div>
    </>
  );
}

/** Reads the form from the address, and writes it there. */
function useForm(): [JobForm, (change: Partial<JobForm>) => void] {
  const [search, setSearch] = useSearchParams();
  const form = useMemo(() => parseForm(search), [search]);
  return [form, (change) => setSearch(formatForm({ ...form, ...change }), { replace: true })];
}

const validatingMs = 1_000;

/** The chosen dataset, asked for until it is ready. */
const useDataset = (id: string) =>
  useQuery({
    queryKey: ['dataset', id],
    queryFn: ({ signal }) => getDataset(id, signal),
    enabled: id !== '',
    refetchInterval: askEach<Dataset>((dataset) =>
      dataset?.state === 'validating' ? validatingMs : false,
    ),
  });

/** Make the job and go where it is to be watched. */
function useSubmit(dataset: Dataset | undefined) {
  const [, navigate] = useLocation();
  const images = dataset?.images ?? 0;
  return useMutation({
    mutationFn: (wish: JobWish) => createJob(wish, images),
    onSuccess: ({ id }) =>
      navigate(images === 1 ? `/jobs/${id}/images/${firstImage}` : `/jobs/${id}`),
  });
}

function toldOf(error: Error | null): {
  readonly fields: FieldErrors;
  readonly rest: readonly string[];
} {
  if (error === null) return { fields: {}, rest: [] };
  return error instanceof ServiceError
    ? errorsByField(error)
    : { fields: {}, rest: [error.message] };
}

type PhotoOfDatasetProps = {
  readonly dataset: ReturnType<typeof useDataset>;
  readonly form: JobForm;
  readonly change: (change: Partial<JobForm>) => void;
  readonly wish: JobWish | null;
};

function PhotoOfDataset({ dataset, form, change, wish }: PhotoOfDatasetProps) {
  const { data, error, refetch } = dataset;
  if (data === undefined) {
    return error === null ? (
      <Loading what="the dataset" />
    ) : (
      <Trouble error={error} onRetry={() => void refetch()} />
    );
  }
  if (data.state !== 'ready') {
    return (
      <div className="state" role="status">
        <h2>{waitingWords[data.state]}</h2>
        {data.error !== null && <p>{data.error.message}</p>}
        <Link href="/datasets">All datasets</Link>
      </div>
    );
  }
  return (
    <JobPreview
      key={data.id}
      dataset={data}
      image={stepImage(form.image, 0, data.images) ?? firstImage}
      wish={wish}
      onImage={(image) => change({ image })}
    />
  );
}

const waitingWords = {
  open: 'This dataset still takes photos',
  validating: 'Its photos are being read',
  failed: 'This dataset failed',
} as const;
