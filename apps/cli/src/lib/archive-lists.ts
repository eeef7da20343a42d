import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errorReport } from '@umbra/shared/contracts/dataset';
import { imageResult } from '@umbra/shared/contracts/result';
import { z } from 'zod';
import { type Summary, summarise } from './summary.js';

/** The lists of an archive, and what else it has beside images. */
const lists: ReadonlySet<string> = new Set([
  'manifest.jsonl',
  'errors.jsonl',
  'SHA256SUMS',
  'provenance.json',
]);

/** Where an archive's entry is unpacked: the lists of several archives stand beside each other. */
export function localName(entry: string, archive: string): string {
  const [, number] = /^archive-(\d+)\.zip$/.exec(archive) ?? [];
  if (number === undefined || !lists.has(entry)) return entry;
  return entry.replace(/(\.\w+)?$/, (ending) => `-${number}${ending}`);
}

const listedImage = z.object({
  name: z.string(),
  state: z.string(),
  folder: z.string().optional(),
});
const failedImage = z.object({ id: z.string(), name: z.string(), error: errorReport });
/** A photo that could not be explained, and why. */
export type FailedImage = z.output<typeof failedImage>;

/** What an archive's manifest says was finished, in the order of the images. */
export async function readSummaries(folder: string, archive: string): Promise<Summary[]> {
  const found: Summary[] = [];
  for await (const line of readLines(join(folder, localName('manifest.jsonl', archive)))) {
    const { state, folder: own } = listedImage.parse(JSON.parse(line));
    if (state !== 'completed' || own === undefined) continue;
    const text = await readFile(join(folder, own, 'result.json'), 'utf8');
    const result = imageResult.parse(JSON.parse(text));
    found.push(summarise(result, join(folder, own)));
  }
  return found;
}

/** The images that failed, by the list of an archive. */
export async function readFailures(folder: string, archive: string): Promise<FailedImage[]> {
  const failures: FailedImage[] = [];
  for await (const line of readLines(join(folder, localName('errors.jsonl', archive)))) {
    failures.push(failedImage.parse(JSON.parse(line)));
  }
  return failures;
}

/** One line of `SHA256SUMS`. */
export type Digest = { readonly sha256: string; readonly name: string };

/** The files of an archive and their digests, as they are read. */
export async function* readDigests(folder: string, archive: string): AsyncGenerator<Digest> {
  for await (const line of readLines(join(folder, localName('SHA256SUMS', archive)))) {
    const [, sha256 = '', name = ''] = /^([0-9a-f]{64}) {2}(.+)$/.exec(line) ?? [];
    yield { sha256, name };
  }
}

async function* readLines(path: string): AsyncGenerator<string> {
  const file = await open(path);
  try {
    for await (const line of file.readLines()) if (line !== '') yield line;
  } finally {
    await file.close();
  }
}
