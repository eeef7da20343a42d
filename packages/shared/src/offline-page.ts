// What the terminal writes into an offline page, and the page reads there.
import type { JobReport } from './contracts/report.js';
import type { ImageRow } from './contracts/row.js';

/** The comment of the built page at whose place kept answers stand. */
export const answersMark = '<!--answers-->';

/** Path of the kept answer that tells what else is kept. */
export const contentsPath = '/contents';

/** Path of the kept licences of what is bundled. */
export const licencesPath = '/licences.md';

/** Path of what defines the numbers of a report: docs/report.md, which goes with the page. */
export const reportDocsPath = '/report.md';

/** Width of a photo that the page asks for, px; the service enlarges none. */
export const pagePhotoPx = 1024;

/** What an offline page has of a job. */
export type OfflineContents = {
  readonly job: string;
  /** The rows of the job that are kept, in the order that was asked for. */
  readonly rows: readonly ImageRow[];
  /** Rows that fitted the filter, kept or not. */
  readonly total: number;
  /** As the service takes them. */
  readonly sort: string;
  readonly where: readonly string[];
  /** When it was written. */
  readonly writtenAt: string;
};

/** Members of a cluster whose crops are shown, the nearest to its centre; images whose maps agree least. */
const shown = { crops: 12, worst: 20 } as const;

/** A WebP picture that a page shows of a report. */
export type ReportPicture = {
  readonly kind: 'crop' | 'thumbnail';
  readonly image: string;
  /** As the service has it. */
  readonly path: string;
};

/** List the pictures that a page shows of a report, each once: crops of clusters, and maps of images it names. */
export function listReportPictures({
  job,
  patches,
  suspects,
  trust,
}: Pick<JobReport, 'job' | 'patches' | 'suspects' | 'trust'>): readonly ReportPicture[] {
  const members = patches.clusters.flatMap((one) => one.members.slice(0, shown.crops));
  const named = [...suspects, ...(trust.agreement?.worst.slice(0, shown.worst) ?? [])];
  const idsOf = (images: readonly { readonly id: string }[]) => new Set(images.map(({ id }) => id));
  const base = `/v1/jobs/${job}`;
  return [
    ...[...idsOf(members)].map((image) => ({
      ...{ kind: 'crop' as const, image },
      path: `${base}/report/crops/${image}`,
    })),
    ...[...idsOf(named)].map((image) => ({
      ...{ kind: 'thumbnail' as const, image },
      path: `${base}/images/${image}/thumbnail.webp`,
    })),
  ];
}
