import type { JournalEntry } from '@umbra/datasets';
import { readLines } from '@umbra/platform/store/json';
import { keys } from '@umbra/platform/store/keys';
import {
  type DatasetSource,
  type ManifestLine,
  manifestLine,
} from '@umbra/shared/contracts/dataset';
import { hasCode, invalidInput } from '@umbra/shared/errors';
import { journalEntry, refusalEntry } from './journal-entry.js';
import { journalSource, type SourceItem } from './journal-source.js';
import { createResolver } from './resolve-image.js';
import type { SourceIngest } from './source-ingest.js';

type LineSource = Extract<DatasetSource, { kind: 'lines' }>;
/** The place after the last line that was examined: its byte offset, and its number from 1. */
type LineCheckpoint = { readonly offset: number; readonly line: number };
type ExamineLine = (text: string, number: number) => JournalEntry | Promise<JournalEntry>;

/** Examine a manifest's lines one by one; bad ones are refused with their number. */
export async function readLineSource(
  ingest: SourceIngest,
  { labels, isUpload }: LineSource,
): Promise<void> {
  const resolve = createResolver(ingest);
  const options = { labels, once: isUpload };
  const examine: ExamineLine = (text, number) => {
    let name = `line ${number}`;
    const refuse = (error: unknown) => refusalEntry(name, error, number);
    try {
      const line = parseLine(text);
      name = line.name ?? line.uri ?? name;
      const image = resolve(line);
      if (!(image instanceof Promise)) return journalEntry(line, image, options);
      return image.then((facts) => journalEntry(line, facts, options)).catch(refuse);
    } catch (error) {
      return refuse(error);
    }
  };
  await journalSource<LineCheckpoint>(ingest, {
    start: { offset: 0, line: 0 },
    itemsFrom: (checkpoint) => readItems(ingest, checkpoint, examine),
  });
}

async function* readItems(
  { location: { store, tenant, dataset }, id }: SourceIngest,
  checkpoint: LineCheckpoint,
  examine: ExamineLine,
): AsyncGenerator<SourceItem<LineCheckpoint>> {
  const key = keys.sourceLines(tenant, dataset, id);
  const stored = await store.head(key);
  let { offset, line } = checkpoint;
  // A manifest without a line has no object.
  if (stored === null || offset >= stored.bytes) return;
  const { body } = await store.stream(key, { start: offset, end: stored.bytes });
  try {
    for await (const raw of readLines(body)) {
      offset += raw.length;
      line += 1;
      const number = line;
      const text = raw.toString().trim();
      if (text === '') continue;
      yield { examine: () => examine(text, number), next: { offset, line } };
    }
  } catch (error) {
    // A line without an end is a fault of the user's file, not of a stored one.
    throw hasCode(error, 'integrity') ? invalidInput(`Line ${line + 1}: ${error.message}`) : error;
  } finally {
    body.destroy();
  }
}

/** @throws {AppError} `invalid_input` */
function parseLine(text: string): ManifestLine {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw invalidInput('Expected JSON', error);
  }
  const parsed = manifestLine.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const path = issue === undefined ? [] : issue.path;
  throw invalidInput(`${path.length === 0 ? '' : `${path.join('.')}: `}${issue?.message}`);
}
