import { setImmediate as nextTurn } from 'node:timers/promises';
import { putJson } from '@umbra/platform/store/json';
import { keys } from '@umbra/platform/store/keys';
import { offObjectClusterShare, openReportBuilder, type ReportBuilder } from '@umbra/report';
import { isFinal } from '@umbra/shared/contracts/job';
import { type JobReport, jobReport } from '@umbra/shared/contracts/report';
import { AppError } from '@umbra/shared/errors';
import { chooseCrops } from './choose-crops.js';
import type { JobPatches } from './cluster-job-patches.js';
import { createSample } from './draw-sample.js';
import { keptEvidence, readEvidence } from './evidence-segments.js';
import { lookThroughModel } from './look-through-model.js';
import { writeMembers } from './members.js';
import { type OtherMaps, openOtherMaps } from './other-maps.js';
import type { ReportRun } from './report-run.js';
import { dropOtherCrops, writeCrops } from './write-crops.js';
import { type TableRow, writeTable } from './write-table.js';

/** Images that were read, those of them for the first time, and results that could not be read. */
type EvidenceCounts = { readonly read: number; readonly fresh: number; readonly damaged: number };

/**
 * Write the report of what a job has by now: evidence of each image, patches, checks, then every file, and
 * `report.json` last, so that it names nothing that is not there.
 *
 * @param isWritten Whether a report of this request was written before: a job that goes on then needs new images.
 * @returns The report; null where it would say nothing new yet.
 */
export async function writeReport(run: ReportRun, isWritten: boolean): Promise<JobReport | null> {
  const { services, job, requested, teller } = run;
  const { request } = requested;
  const others = await openOtherMaps(run);
  const builder = openReportBuilder({
    seed: request.seed,
    unit: job.settings.score,
    ...(request.groupBy !== undefined && { groupBy: request.groupBy }),
    maxPatches: request.patches,
    maps: others.names,
  });
  const sample = createSample<string>(request.checkedImages, request.seed);
  await teller.begin('evidence', job.counts.total * (1 + request.others.length));
  const counts = await addEvidence(run, (image) => {
    builder.add(image);
    sample.add(image.id);
  });
  const { read, fresh } = counts;
  if (!isFinal(job.state) && (read === 0 || (isWritten && fresh === 0))) return null;
  if (read === 0) throw nothingRead(job.id, counts);
  await others.read();
  const checked = [...sample.values()].sort();
  const findings = await lookThroughModel(run, builder, checked);
  await teller.begin('tables', 2 * read);
  await rankImages(run, builder, others);
  const { agreement, notes, candidates, ...found } = builder.finish();
  const { patches, order } = findings;
  await writeTable(services, run, tableRows(run, builder.rowOf, { others, patches }));
  const crops = chooseCrops(patches.report.clusters);
  const cut = await writeCrops(services, run, crops, run.signal);
  const writtenAt = new Date().toISOString();
  await writeMembers(services.store, run, { writtenAt, members: patches.members });
  const offObjectCluster = offObjectClusterShare(patches.report.clusters);
  const report = jobReport.parse({
    ...{ version: 1, job: job.id, model: job.model, settings: job.settings, request, writtenAt },
    images: { total: job.counts.total, ended: await countEnded(run), read },
    isComplete: isFinal(job.state),
    ...found,
    metrics: { ...found.metrics, 'off-object-cluster': offObjectCluster },
    patches: { ...patches.report, candidates },
    trust: { agreement, order },
    notes: [...notes, ...patches.notes, ...others.notes, ...notesOf(counts)],
  });
  run.signal.throwIfAborted();
  await putJson(services.store, keys.report(run.tenant, job.id), report);
  await dropOtherCrops(services, run, cut);
  return report;
}

/** First pass: read the evidence of every image that has some. */
async function addEvidence(
  { services, tenant, job, model, signal, teller }: ReportRun,
  add: ReportBuilder['add'],
): Promise<EvidenceCounts> {
  const counts = { read: 0, fresh: 0, damaged: 0 };
  for await (const segment of readEvidence(services, { tenant, job }, model, signal)) {
    for (const image of segment.evidence) add(image);
    counts.read += segment.evidence.length;
    counts.fresh += segment.fresh;
    counts.damaged += segment.damaged;
    await teller.advance(segment.images);
  }
  return counts;
}

/** Second pass: the means of the classes are known by now. */
async function rankImages(
  { services, tenant, job, signal, teller }: ReportRun,
  builder: ReportBuilder,
  others: OtherMaps,
): Promise<void> {
  for await (const { start, evidence } of keptEvidence(services, { tenant, job }, signal)) {
    const mapsOf = await others.of(start);
    for (const image of evidence) {
      builder.rank(image, mapsOf(image.id));
      // Maps of many jobs take milliseconds to be held against each other.
      await nextTurn();
    }
    await teller.advance(evidence.length);
  }
}

/** Third pass: what is known of each image. */
async function* tableRows(
  { services, tenant, job, signal, teller }: ReportRun,
  rowOf: ReportBuilder['rowOf'],
  { others, patches }: { readonly others: OtherMaps; readonly patches: JobPatches },
): AsyncGenerator<TableRow> {
  const clusters = new Map(patches.members.map(({ id, cluster }) => [id, cluster]));
  for await (const { start, evidence } of keptEvidence(services, { tenant, job }, signal)) {
    const mapsOf = await others.of(start);
    for (const image of evidence) {
      await nextTurn();
      yield {
        evidence: image,
        cluster: clusters.get(image.id) ?? null,
        ...rowOf(image, mapsOf(image.id)),
      };
    }
    await teller.advance(evidence.length);
  }
}

/** Images that have ended by now: Redis counts those of a job that goes on. */
async function countEnded({ services, job }: ReportRun): Promise<number> {
  const counted = isFinal(job.state) ? null : await services.progress.read(job.id);
  const { completed, failed } = counted ?? job.counts;
  return completed + failed;
}

const notesOf = ({ damaged }: EvidenceCounts): readonly string[] =>
  damaged === 0
    ? []
    : [
        `${damaged} results were left out: they cannot be read, or hold scores that are no finite numbers`,
      ];

/** Why there is nothing to report on. */
function nothingRead(id: string, counts: EvidenceCounts): AppError {
  const [leftOut] = notesOf(counts);
  const reason =
    leftOut === undefined
      ? `No image of job '${id}' has a result`
      : `Nothing is left of the results of job '${id}': ${leftOut}`;
  return new AppError('conflict', reason);
}
