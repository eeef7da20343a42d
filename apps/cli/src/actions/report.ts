import { readOfflinePage } from '@umbra/platform/offline-page';
import { invalidInput } from '@umbra/shared/errors';
import { getEndedJob } from '../lib/ended-job.js';
import { parseNumber, required } from '../lib/flags.js';
import { comingBackBy } from '../lib/interrupts.js';
import { resolveNewFile, writeNewFile } from '../lib/new-file.js';
import { printJson } from '../lib/output.js';
import { writeReport } from '../lib/report.js';
import { fetchRows } from '../lib/report-answers.js';
import { openPatientService, type PatientFlags } from '../lib/service.js';
import { say } from '../lib/terminal.js';

export type ReportFlags = PatientFlags & {
  readonly html?: string;
  readonly images: string;
  readonly sort: string;
  readonly where?: readonly string[];
  readonly maxMb: string;
  readonly json?: boolean;
};

const megabyte = 1e6;
const maxImages = 10_000;
/** What is much larger opens in no browser. */
const maxMegabytes = 500;

/** Write a job that has ended as one HTML file. */
export async function report(id: string, options: ReportFlags): Promise<void> {
  const path = await resolveNewFile(required(options.html, '--html FILE'), '--html', '.html');
  const images = parseImages(options.images);
  const maxBytes = parseMegabytes(options.maxMb) * megabyte;
  const page = await readOfflinePage();
  const client = await openPatientService(options);
  const job = await getEndedJob(client, id);
  const { sort, where = [], maxMb } = options;
  const { rows, total } = await fetchRows(client, id, { sort, where, images });
  say(`${rows.length} of ${total} images, by ${sort}, in at most ${maxMb} MB`);
  const contents = {
    ...{ job: id, rows, total, sort, where },
    writtenAt: new Date().toISOString(),
  };
  const written = await comingBackBy('nothing was written', () =>
    writeNewFile(path, (write) => writeReport({ client, page, job, contents, maxBytes }, write)),
  );
  if (written.images < rows.length) {
    say(`Only ${written.images} of them fit into ${maxMb} MB: --max-mb takes more`);
  }
  say(`${path}: ${written.images} of ${total} images, ${(written.bytes / megabyte).toFixed(1)} MB`);
  if (options.json) printJson({ job: id, file: path, ...written, total });
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
