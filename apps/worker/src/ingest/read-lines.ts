import type { Entry } from '@umbra/datasets';
import { readLines } from '@umbra/platform/store/json';
import { keys } from '@umbra/platform/store/keys';
import type { DatasetMeter } from '@umbra/platform/tenancy/dataset-meter';
import {
  type DatasetSource,
  type ManifestLine,
  manifestLine,
} from '@umbra/shared/contracts/dataset';
import { hasCode, invalidInput } from '@umbra/shared/errors';
import type { WorkerServices } from '../services.js';
import { entryOf, refusalOf } from './entry-of.js';
import { keepJournal, type Step } from './keep-journal.js';
import { limitsOf } from './limits.js';
import type { Place } from './read-source.js';
import { createResolver } from './resolve-image.js';

type LineSource = Extract<DatasetSource, { kind: 'lines' }>;
/** After the last line that was looked at. */
type At = { readonly offset: number; readonly line: number };

/** Look at a manifest's lines one by one; bad ones are refused with their number. */
export async function readLineSource(
  services: WorkerServices,
  place: Place,
  id: string,
  { labels, isUpload }: LineSource,
  assertActive: () => Promise<void>,
  meter: DatasetMeter,
): Promise<void> {
  const resolve = createResolver(services, place, limitsOf(services));
  const look = (text: string, number: number): Entry | Promise<Entry> => {
    let name = `line ${number}`;
    const refuse = (error: unknown) => refusalOf(name, error, number);
    try {
      const line = parseLine(text);
      name = line.name ?? line.uri ?? name;
      const found = resolve(line);
      if (!(found instanceof Promise)) return entryOf(line, found, labels, isUpload);
      return found.then((facts) => entryOf(line, facts, labels, isUpload)).catch(refuse);
    } catch (error) {
      return refuse(error);
    }
  };
  await keepJournal<At>(
    place,
    id,
    { offset: 0, line: 0 },
    (at) => steps(place, id, at, look),
    assertActive,
    meter,
  );
}

async function* steps(
  { store, tenant, dataset }: Place,
  id: string,
  at: At,
  look: (text: string, number: number) => Entry | Promise<Entry>,
): AsyncGenerator<Step<At>> {
  const key = keys.sourceLines(tenant, dataset, id);
  const bytes = (await store.head(key))?.bytes ?? 0;
  let { offset, line } = at;
  if (offset >= bytes) return;
  const { body } = await store.stream(key, { start: offset, end: bytes });
  try {
    for await (const raw of readLines(body)) {
      offset += raw.length;
      line += 1;
      const number = line;
      const text = raw.toString().trim();
      if (text === '') continue;
      yield { look: () => look(text, number), next: { offset, line } };
    }
  } catch (error) {
    // A line without an end: it is the user's file, and not one of ours that is broken.
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
  const field = issue?.path.join('.') ?? '';
  throw invalidInput(`${field === '' ? '' : `${field}: `}${issue?.message}`);
}
