import type { UmbraClient } from '@umbra/client';
import { readOfflinePage } from '@umbra/platform/offline-page';
import { invalidInput } from '@umbra/shared/errors';
import { getEndedJob } from './ended-job.js';
import { parseNumber } from './flags.js';
import { comingBackBy } from './interrupts.js';
import { resolveNewFile, writeNewFile } from './new-file.js';
import { printJson } from './output.js';
import { fetchReport, fetchRows } from './report-answers.js';
import { say } from './terminal.js';
import { writeHtml } from './write-html.js';

export type PageFlags = {
  readonly html?: string;
  readonly images: string;
  readonly sort: string;
  readonly where?: readonly string[];
  readonly maxMb: string;
  readonly json?: boolean;
};

/** Where a job's page is written, and what it is to hold. */
export type PageWish = Pick<PageFlags, 'sort' | 'where'> & {
  readonly path: string;
  readonly images: number;
  readonly megabytes: number;
  /** Whether to print what was written. */
  readonly json: boolean;
};

const megabyte = 1e6;
const maxImages = 10_000;
/** What is much larger opens in no browser. */
const maxMegabytes = 500;

/** @throws {AppError} `invalid_input` */
export const parsePageFlags = async (
  { images, maxMb, json = false, ...rest }: PageFlags,
  html: string,
): Promise<PageWish> => ({
  ...{ ...rest, json },
  path: await resolveNewFile(html, '--html', '.html'),
  images: parseImages(images),
  megabytes: parseMegabytes(maxMb),
});

/** Write a job that has ended as one HTML file, with its report where it has one. */
export async function writePage(
  client: UmbraClient,
  id: string,
  { path, images, megabytes, json, sort, where = [] }: PageWish,
): Promise<void> {
  const page = await readOfflinePage();
  const job = await getEndedJob(client, id);
  const { rows, total } = await fetchRows(client, id, { sort, where, images });
  say(`${rows.length} of ${total} images, by ${sort}, in at most ${megabytes} MB`);
  const contents = {
    ...{ job: id, rows, total, sort, where },
    writtenAt: new Date().toISOString(),
  };
  const maxBytes = megabytes * megabyte;
  const written = await comingBackBy('nothing was written', async () => {
    const report = await fetchReport(client, id, maxBytes);
    return writeNewFile(path, (write) =>
      writeHtml({ client, page, job, report, contents, maxBytes }, write),
    );
  });
  if (written.images < rows.length) {
    say(`Only ${written.images} of them fit into ${megabytes} MB: --max-mb takes more`);
  }
  say(`${path}: ${written.images} of ${total} images, ${(written.bytes / megabyte).toFixed(1)} MB`);
  if (json) printJson({ job: id, file: path, ...written, total });
}

/** @throws {AppError} `invalid_input` */
function parseImages(text: string): number {
  const images = parseNumber(text);
  if (Number.isInteger(images) && images >= 1 && images <= maxImages) return images;
  throw invalidInput(`Expected --images to be an integer from 1 to ${maxImages}, got '${text}'`);
}

/** @throws {AppError} `invalid_input` */
function parseMegabytes(text: string): number {
  const megabytes = parseNumber(text);
  if (megabytes > 0 && megabytes <= maxMegabytes) return megabytes;
  throw invalidInput(`Expected --max-mb to be MB, at most ${maxMegabytes}, got '${text}'`);
}
