// What the terminal writes into an offline page, and the page reads there.
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
