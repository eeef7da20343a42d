import { keys } from '@umbra/platform/store/keys';
import type { ImageEvidence } from '@umbra/report';
import { mapInOrder } from '@umbra/shared/concurrency';
import type { DatasetItem } from '@umbra/shared/contracts/dataset';
import { isFinal } from '@umbra/shared/contracts/job';
import { hasCode, reportError } from '@umbra/shared/errors';
import { imageIndexOf } from '@umbra/shared/ids';
import type { TenantJob } from '../jobs/job-record.js';
import type { DescribedModel } from '../runtime/model-cache.js';
import type { WorkerServices } from '../services.js';
import { openDescriber } from './describe-result.js';
import { type ManifestPartReader, openPartReader } from './read-manifest.js';
import { decodeSegment, type EvidenceSegment, encodeSegment } from './segment-file.js';

/** Images of the manifest that one object of evidence covers. */
export const segmentImages = 1_024;
/** Results read at once: requests of an object store overlap. */
const resultsAtOnce = 16;

export type EvidenceServices = Pick<WorkerServices, 'store' | 'progress' | 'logger'>;

/** A segment, and how many of its images were read for it just now. */
export type ReadSegment = EvidenceSegment & { readonly start: number; readonly fresh: number };

/**
 * Read the evidence of every image that has a result, and keep it: of an image that was read before, only the
 * evidence is read again. A retry of the job may only add results, so that none is ever out of date.
 *
 * @throws The signal's reason.
 */
export async function* readEvidence(
  services: EvidenceServices,
  { tenant, job }: TenantJob,
  model: DescribedModel,
  signal: AbortSignal,
): AsyncGenerator<ReadSegment> {
  const { store } = services;
  const manifest = openPartReader(store, keys.manifest(tenant, job.dataset), signal);
  const describe = openDescriber(services, { tenant, job }, model);
  let offset = 0;
  try {
    for (let start = 0; start < job.counts.total; start += segmentImages) {
      signal.throwIfAborted();
      const kept = await readSegment(services, { tenant, job }, start);
      const segment =
        kept !== null && isSettled(kept, job)
          ? { ...kept, fresh: 0 }
          : await extendSegment({ services, tenant, job, manifest, describe, signal }, kept, {
              start,
              offset,
            });
      offset = segment.offset.end;
      yield { ...segment, start };
    }
  } finally {
    await manifest.close();
  }
}

/** Evidence that is kept of a segment of a job's manifest. */
export type KeptSegment = { readonly start: number; readonly evidence: readonly ImageEvidence[] };

/** Read what is kept of a job's evidence, and nothing else. */
export async function* keptEvidence(
  services: Pick<EvidenceServices, 'store' | 'logger'>,
  { tenant, job }: TenantJob,
  signal: AbortSignal,
): AsyncGenerator<KeptSegment> {
  for (let start = 0; start < job.counts.total; start += segmentImages) {
    signal.throwIfAborted();
    const kept = await readSegment(services, { tenant, job }, start);
    yield { start, evidence: kept?.evidence ?? [] };
  }
}

/** @returns null where there is none, or it is damaged: it is then made again. */
export async function readSegment(
  { store, logger }: Pick<EvidenceServices, 'store' | 'logger'>,
  { tenant, job }: TenantJob,
  start: number,
): Promise<EvidenceSegment | null> {
  const key = keys.evidenceSegment(tenant, job.id, start);
  try {
    return await decodeSegment(await store.get(key));
  } catch (error) {
    if (hasCode(error, 'not_found')) return null;
    if (!hasCode(error, 'integrity')) throw error;
    logger.warn({ jobId: job.id, key, reason: reportError(error).message }, 'evidence not read');
    return null;
  }
}

/**
 * Whether nothing can be added: every image is read, or the job's attempt had ended before. A result that could not be
 * read is looked at again, since the reason may be ours.
 */
const isSettled = (
  { images, evidence, attempt, damaged, isFinal: wasFinal }: EvidenceSegment,
  job: TenantJob['job'],
): boolean => evidence.length === images || (wasFinal && attempt === job.attempt && damaged === 0);

type Extension = TenantJob & {
  readonly services: EvidenceServices;
  readonly manifest: ManifestPartReader;
  readonly describe: ReturnType<typeof openDescriber>;
  readonly signal: AbortSignal;
};

/** Add the images that have ended since, and keep the segment where that changes it. */
async function extendSegment(
  { services, tenant, job, manifest, describe, signal }: Extension,
  kept: EvidenceSegment | null,
  at: { readonly start: number; readonly offset: number },
): Promise<EvidenceSegment & { readonly fresh: number }> {
  const { items, offset } = await manifest.read(at.offset, segmentImages);
  const known = new Map(kept?.evidence.map((one) => [one.id, one]));
  const unread = items.filter(({ id }) => !known.has(id));
  const ended = await filterEnded(services, job, items, unread);
  const damaged: { readonly image: string; readonly reason: string }[] = [];
  for await (const { id, found } of mapInOrder(ended, { atOnce: resultsAtOnce }, async (item) => ({
    id: item.id,
    found: await describe(item),
  }))) {
    signal.throwIfAborted();
    if (found === 'none') continue;
    if ('damaged' in found) damaged.push({ image: id, reason: found.damaged });
    else known.set(id, found);
  }
  const [first] = damaged;
  if (first !== undefined) {
    // One line: all of a large job's results may be damaged alike, at every pass.
    const where = { jobId: job.id, start: at.start };
    services.logger.warn({ ...where, count: damaged.length, ...first }, 'results not read');
  }
  const fresh = known.size - (kept?.evidence.length ?? 0);
  const segment: EvidenceSegment = {
    ...{ version: 1, attempt: job.attempt, isFinal: isFinal(job.state) },
    ...{ images: items.length, offset, damaged: damaged.length },
    evidence: items.flatMap(({ id }) => known.get(id) ?? []),
  };
  if (fresh > 0 || segment.isFinal) {
    const key = keys.evidenceSegment(tenant, job.id, at.start);
    await services.store.put(key, await encodeSegment(segment));
  }
  return { ...segment, fresh };
}

/** Keep images that may have a result: Redis knows those of a job that goes on, and of an ended one the store does. */
async function filterEnded(
  { progress }: Pick<EvidenceServices, 'progress'>,
  job: TenantJob['job'],
  items: readonly DatasetItem[],
  unread: readonly DatasetItem[],
): Promise<readonly DatasetItem[]> {
  const [first] = items;
  if (isFinal(job.state) || first === undefined) return unread;
  const ended = await progress.readFinished(job.id, imageIndexOf(first.id), items.length);
  const endedIds = new Set(items.filter((_, at) => ended[at] === true).map(({ id }) => id));
  return unread.filter(({ id }) => endedIds.has(id));
}
