import { putJson } from '@umbra/platform/store/json';
import { defaultTenant, keys } from '@umbra/platform/store/keys';
import { readReportStatus, requestReport } from '@umbra/platform/store/reports';
import type { ObjectStore } from '@umbra/platform/store/store';
import type { JobStatus } from '@umbra/shared/contracts/job';
import {
  type JobReport,
  jobReport,
  type ReportStatus,
  reportRequest,
} from '@umbra/shared/contracts/report';
import sharp from 'sharp';

const spread = (mean: number) => ({ mean, low: mean - 0.1, high: mean + 0.1 });
const cells = Buffer.from(new Float32Array(4).buffer).toString('base64');
const atlas = { images: 3, mean: cells, deviation: cells };
const offObject = {
  ...{ images: 3, share: spread(0.7), area: 0.4, excess: spread(0.3) },
  ...{ p: 0.001, adjusted: 0.002, isSignificant: true, follows: { p: 0.5, adjusted: 0.5 } },
};

/** A report of three images as the step writes it, with one cluster of a class whose name means much to a shell. */
export function sampleReport({
  id,
  model,
  settings,
}: Pick<JobStatus, 'id' | 'model' | 'settings'>): JobReport {
  const kind = { index: 1, label: 'kind "1"' };
  const images = [0, 1, 2].map((at) => ({ id: `img_0000000${at}`, name: `photo-${at}.png` }));
  const box = { top: 0, left: 0, bottom: 16, right: 16 };
  return jobReport.parse({
    ...{ version: 1, job: id, model, settings, request: reportRequest.parse({}) },
    writtenAt: new Date().toISOString(),
    ...{ images: { total: 3, ended: 3, read: 3 }, isComplete: true, groupBy: 'predicted' },
    ...{ lattice: { rows: 2, columns: 2 }, input: { height: 32, width: 32 } },
    metrics: {
      ...{ images: 3, accuracy: null, drop: 0.5, flipped: 0.25, 'off-object': 0.7, border: 0.3 },
      ...{ 'significant-classes': 1, 'off-object-cluster': 0.66, unstable: null, suspects: 1 },
    },
    classes: [
      {
        ...{ class: kind, images: 3, accuracy: null, drop: spread(0.5), flipped: spread(0.25) },
        ...{ atlas: { input: atlas, object: atlas }, running: [] },
        ...{ enough: { images: null, tolerance: 0.05 }, offObject, border: null },
      },
    ],
    patches: {
      ...{ layer: 'pool', reason: null, images: 3, candidates: 3 },
      choices: [{ class: kind, clusters: 1, silhouette: null }],
      clusters: [
        {
          ...{ id: 0, class: kind, images: 2, share: 2 / 3, medianDrop: 0.6, medianLoss: 0.8 },
          ...{ compactness: 0.9, weight: 0.4, offObject: 1 },
          place: { y: { mean: 0.1, deviation: 0.05 }, x: { mean: 0.2, deviation: 0.05 } },
          members: images.slice(0, 2).map((image) => ({ ...image, drop: 0.6, box, similarity: 1 })),
        },
      ],
    },
    flips: [],
    trust: { agreement: null, order: null },
    suspects: images.slice(2).map((image) => ({
      ...{ ...image, label: null, predicted: kind, class: kind, drop: 0.1, distance: 0.9, z: 5 },
      reasons: ['Its evidence lies where that of no other image of its class does.'],
    })),
    notes: ['3 images are few.'],
  } satisfies JobReport);
}

/** Write a report with its table and its crops into the store, as if the step had. */
export async function storeReport(store: ObjectStore, report: JobReport): Promise<void> {
  const { job } = report;
  const own = { tenant: defaultTenant, id: job };
  const asked =
    (await readReportStatus(store, own)) ?? (await requestReport(store, own, report.request));
  const crop = await sharp({ create: { width: 8, height: 8, channels: 3, background: 'red' } })
    .webp()
    .toBuffer();
  for (const { members } of report.patches.clusters) {
    for (const { id } of members) await store.put(keys.reportCrop(defaultTenant, job, id), crop);
  }
  await store.put(keys.reportTable(defaultTenant, job), 'PAR1 and so on');
  await putJson(store, keys.report(defaultTenant, job), report);
  const { writtenAt } = report;
  await putJson(store, keys.reportStatus(defaultTenant, job), {
    ...{ ...asked, state: 'completed', startedAt: writtenAt, writtenAt, completedAt: writtenAt },
    progress: { done: 3, total: 3 },
  } satisfies ReportStatus);
  await store.delete(keys.pendingReport(defaultTenant, job));
}
