import { findJson } from '@umbra/platform/store/json';
import { keys } from '@umbra/platform/store/keys';
import { groupOf, type ImageEvidence } from '@umbra/report';
import { type JobReport, jobReport } from '@umbra/shared/contracts/report';
import type { Trial, TrialRequest } from '@umbra/shared/contracts/trial';
import { AppError, notFound, unavailable } from '@umbra/shared/errors';
import type { Box, Size } from '@umbra/shared/occlusion/grid';
import { liesOff } from '@umbra/shared/occlusion/overlap';
import { growBox, placeRegion } from '@umbra/shared/occlusion/region';
import { findClass } from '@umbra/shared/report-class';
import type { TenantJob } from '../../jobs/job-record.js';
import { createSample } from '../draw-sample.js';
import { type EvidenceServices, keptEvidence } from '../evidence-segments.js';
import { readMembers } from '../members.js';

/** An image of an arm. */
export type TrialImage = {
  readonly id: string;
  /** Class that its label names; null where it names none. */
  readonly labelIndex: number | null;
  /** Extent of the model's input, and the box there that is covered or copied, px. */
  readonly input: Size;
  readonly box: Box;
  /** The labelled object's box there; null where none is known. */
  readonly object: Box | null;
  /** Whether more than half of `box` lies off the object; false where that is not known. */
  readonly isOffObject: boolean;
};

export type TrialImages = {
  /** The class whose images are covered. */
  readonly class: NonNullable<Trial['class']>;
  readonly covered: readonly TrialImage[];
  /** Images of the class whose boxes' content is pasted. */
  readonly sources: readonly TrialImage[];
  /** Images of other classes, onto which content is pasted; their own boxes are of no use. */
  readonly others: readonly TrialImage[];
};

type ChooseServices = Pick<EvidenceServices, 'store' | 'logger'>;

/** Which images are covered, and where. */
type Subject = {
  readonly class: TrialImages['class'];
  /** @returns null of an image that is not covered. */
  boxOf(image: ImageEvidence): Box | null;
  /** @returns The box of a covered image whose content is pasted; null where none is. */
  sourceOf(image: ImageEvidence): Box | null;
};

/**
 * Choose the images of a trial from the evidence of the job's report: drawn by the seed where there are more
 * than asked for. A cluster's members are covered at their own decisive patch, a class at one place. What is pasted is of
 * the members that the report lists, which are the likest each other (the others may be in the cluster by chance), with
 * what lies a stride about their patches.
 *
 * @throws {AppError} `not_found` where there is no report, or it has no such cluster; `invalid_input` where it does not have
 *   one such class; `conflict` for a cluster of a report that is replaced.
 */
export async function chooseImages(
  services: ChooseServices,
  { tenant, job }: TenantJob,
  { request: { of, images, seed }, createdAt }: Pick<Trial, 'request' | 'createdAt'>,
  signal: AbortSignal,
): Promise<TrialImages> {
  const report = await findJson(services.store, keys.report(tenant, job.id), jobReport);
  if (report === null) throw notFound(`Job '${job.id}' has no report: ask for one first`);
  // As the page tells which trials are of the report that it shows.
  if (of.kind === 'cluster' && Date.parse(report.writtenAt) > Date.parse(createdAt)) {
    throw new AppError(
      'conflict',
      `The report of job '${job.id}' was written after this trial was asked for, and its clusters may be others: ask again`,
    );
  }
  const subject =
    of.kind === 'cluster'
      ? await findCluster(services, { tenant, job }, report, of.cluster)
      : findRegion(report, of);
  const covered = createSample<TrialImage>(images, seed);
  const sources = createSample<TrialImage>(images, seed);
  const others = createSample<TrialImage>(images, seed);
  for await (const { evidence } of keptEvidence(services, { tenant, job }, signal)) {
    for (const image of evidence) {
      const box = subject.boxOf(image);
      if (box !== null) {
        covered.add(describe(image, box));
        const pasted = subject.sourceOf(image);
        if (pasted !== null) sources.add({ ...describe(image, box), box: pasted });
      }
      if (groupOf(image, report.groupBy).index !== subject.class.index) {
        others.add(describe(image, image.lowest.box));
      }
    }
  }
  return {
    class: subject.class,
    ...{ covered: covered.values(), sources: sources.values(), others: others.values() },
  };
}

function describe({ id, labelClass, input, ...image }: ImageEvidence, box: Box): TrialImage {
  const object = image.box && placeRegion(image.box, input);
  const isOffObject = object !== null && liesOff(box, object);
  return { id, input, box, object, isOffObject, labelIndex: labelClass?.index ?? null };
}

async function findCluster(
  { store }: ChooseServices,
  { tenant, job }: TenantJob,
  report: JobReport,
  id: number,
): Promise<Subject> {
  const cluster = report.patches.clusters.find((one) => one.id === id);
  if (cluster === undefined) throw notFound(`The report of job '${job.id}' has no cluster ${id}`);
  const { members, writtenAt } = await readMembers(store, { tenant, job });
  // The report is being written again, and its clusters may have other numbers.
  if (writtenAt !== report.writtenAt)
    throw unavailable(`Report of job '${job.id}' is being written`);
  const ids = new Set(members.filter((one) => one.cluster === id).map((one) => one.id));
  const listed = new Set(cluster.members.map((member) => member.id));
  return {
    class: cluster.class,
    boxOf: (image) => (ids.has(image.id) ? image.lowest.box : null),
    // What the image rests on is somewhere about the patch: the next position is a stride away.
    sourceOf: ({ id, lowest, input }) =>
      listed.has(id) ? growBox(lowest.box, job.settings.stride, input) : null,
  };
}

function findRegion(
  { classes, groupBy }: JobReport,
  of: Extract<TrialRequest['of'], { readonly kind: 'region' }>,
): Subject {
  const found = findClass(classes, of);
  const isOf = (image: ImageEvidence) => groupOf(image, groupBy).index === found.index;
  const boxOf = (image: ImageEvidence) =>
    isOf(image) ? placeRegion(of.region, image.input) : null;
  return { class: found, boxOf, sourceOf: boxOf };
}
