// What the terminal writes into an offline page, and the page reads there.
import type { JobReport } from './contracts/report.js';
import type { ImageRow } from './contracts/row.js';

/** The comment of the built page at whose place kept answers stand. */
export const answersMark = '<!--answers-->';

/** Path of the kept answer that tells what else is kept. */
export const contentsPath = '/contents';

/** Path of the kept licences of what is bundled. */
export const licencesPath = '/licences.md';

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

/** Members of a cluster whose crops are kept, the nearest to its centre. */
const shownCrops = 12;

/** Paths of the answers that show a job's report, beside the report itself: what a page of one file keeps. */
export function listReportAnswers({
  job,
  patches,
}: Pick<JobReport, 'job' | 'patches'>): readonly { path: string; type: string }[] {
  const crops = new Set(
    patches.clusters.flatMap(({ members }) => members.slice(0, shownCrops).map(({ id }) => id)),
  );
  const base = `/v1/jobs/${job}`;
  return [
    { path: `${base}/report`, type: 'application/json' },
    { path: `${base}/trials`, type: 'application/json' },
    ...[...crops].map((id) => ({ path: `${base}/report/crops/${id}`, type: 'image/webp' })),
  ];
}
