import { findJobRecord } from '@umbra/platform/store/job-records';
import { type OcclusionSettings, patchesOf, sizeName } from '@umbra/shared/contracts/settings';
import type { TenantJob } from '../jobs/job-record.js';
import { readEvidence, readSegment } from './evidence-segments.js';
import type { ReportRun } from './report-run.js';

/** Maps of the same images under other jobs: those of one segment of the manifest at a time. */
export type OtherMaps = {
  /** Names of the maps whose agreement is measured: the job's and the others', or its patch sizes'. */
  readonly names: readonly { readonly name: string; readonly job: string | null }[];
  /** What to know of them. */
  readonly notes: readonly string[];
  /** Read the evidence of the other jobs that is not kept yet. */
  read(): Promise<void>;
  /** @returns The other jobs' maps of an image of the segment that begins at `start`. */
  of(start: number): Promise<(image: string) => readonly Float32Array[]>;
};

/** Open the jobs that a report's maps are held against; those that are gone, or are of other images, are left out. */
export async function openOtherMaps(run: ReportRun): Promise<OtherMaps> {
  const { services, tenant, job, requested, model, signal, teller } = run;
  const others: TenantJob['job'][] = [];
  const notes: string[] = [];
  for (const id of requested.request.others) {
    const other = await findJobRecord(services.store, tenant, id);
    const fits = other?.dataset === job.dataset && other.model.digest === job.model.digest;
    if (other !== null && fits) others.push(other);
    else notes.push(`Job ${id} was left out: it is not of the same dataset and model`);
  }
  return {
    names: namesOf(job, others),
    notes,
    async read() {
      for (const other of others) {
        for await (const { images } of readEvidence(
          services,
          { tenant, job: other },
          model,
          signal,
        )) {
          await teller.advance(images);
        }
      }
    },
    async of(start) {
      const kept = await Promise.all(
        others.map((other) => readSegment(services, { tenant, job: other }, start)),
      );
      const maps = kept.map((one) => new Map(one?.evidence.map(({ id, map }) => [id, map])));
      return (image) => maps.flatMap((of) => of.get(image) ?? []);
    },
  };
}

function namesOf(job: TenantJob['job'], others: readonly TenantJob['job'][]): OtherMaps['names'] {
  if (others.length > 0) {
    return [job, ...others].map(({ id, settings }) => ({ name: fillName(settings), job: id }));
  }
  const patches = patchesOf(job.settings);
  return patches.length === 1 ? [] : patches.map((patch) => ({ name: sizeName(patch), job: null }));
}

/** Name a fill as the flag `--fill` does. */
function fillName({ fill }: Pick<OcclusionSettings, 'fill'>): string {
  switch (fill.kind) {
    case 'constant':
      return `${fill.kind} ${fill.value} ${fill.space}`;
    case 'blur':
      return `${fill.kind} ${fill.sigma}`;
    case 'noise':
      return `${fill.kind} ${fill.seed}`;
    default:
      return fill.kind;
  }
}
