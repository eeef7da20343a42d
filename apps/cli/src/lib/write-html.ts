import type { UmbraClient } from '@umbra/client';
import {
  formatAnswer,
  jobAnswer,
  jsonAnswer,
  type KeptAnswer,
  type OfflinePage,
} from '@umbra/platform/offline-page';
import { mapInOrder } from '@umbra/shared/concurrency';
import type { JobStatus } from '@umbra/shared/contracts/job';
import type { ImageRow } from '@umbra/shared/contracts/row';
import { invalidInput } from '@umbra/shared/errors';
import { contentsPath, type OfflineContents } from '@umbra/shared/offline-page';
import type { Write } from './new-file.js';
import { createProgressBar } from './progress-bar.js';
import { fetchImage } from './report-answers.js';

export type HtmlOptions = {
  readonly client: UmbraClient;
  readonly page: OfflinePage;
  readonly job: Pick<JobStatus, 'id' | 'dataset'>;
  /** Answers of its report; none where it has none. */
  readonly report: readonly KeptAnswer[];
  /** What to keep, if it fits. */
  readonly contents: OfflineContents;
  /** Largest size of the file. */
  readonly maxBytes: number;
};

export type WrittenHtml = { readonly images: number; readonly bytes: number };

const fetchedAtOnce = 4;
const maxHeldBytes = 32 * 1024 * 1024;

/**
 * Write a job's page: its rows, and what the page asks for of each image that has a result, one image after the
 * other, until the next one would not fit.
 *
 * @throws {AppError} `invalid_input` if not one row fits.
 */
export async function writeHtml(
  { client, page, job, report, contents, maxBytes }: HtmlOptions,
  write: Write,
): Promise<WrittenHtml> {
  const { before, after } = page;
  const formatContents = (rows: readonly ImageRow[]): string =>
    formatAnswer(jsonAnswer(contentsPath, { ...contents, rows }));
  const start = [before, ...[jobAnswer(job), ...report].map(formatAnswer)].join('');
  // What is told of all rows is the most that can be told of some.
  const room = maxBytes - sizeOf(start, formatContents(contents.rows), after);
  await write(start);
  const bar = createProgressBar('images');
  let used = 0;
  let kept = 0;
  const fetched = mapInOrder(
    contents.rows,
    { atOnce: fetchedAtOnce, maxWeight: maxHeldBytes, weigh: sizeOf },
    async (row) => (row.state === 'completed' ? await fetchBlocks(client, job, row.id) : ''),
  );
  for await (const blocks of fetched) {
    if (used + sizeOf(blocks) > room) break;
    await write(blocks);
    used += sizeOf(blocks);
    kept += 1;
    bar.update({ done: kept, total: contents.rows.length });
  }
  bar.end();
  if (kept === 0 && contents.rows.length > 0) {
    throw invalidInput(`Expected --max-mb to take at least one image, got ${maxBytes / 1e6}`);
  }
  const end = `${formatContents(contents.rows.slice(0, kept))}${after}`;
  await write(end);
  return { images: kept, bytes: sizeOf(start, end) + used };
}

const fetchBlocks = async (
  client: UmbraClient,
  job: Pick<JobStatus, 'id' | 'dataset'>,
  image: string,
): Promise<string> => (await fetchImage(client, job, image)).map(formatAnswer).join('');

const sizeOf = (...texts: readonly string[]): number =>
  texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
