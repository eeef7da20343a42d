import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Job, UmbraClient } from '@umbra/client';
import { downloadFile } from '@umbra/client/files';
import { hasCode, integrity } from '@umbra/shared/errors';
import { escapeHidden } from '@umbra/shared/visible-text';
import { extractArchive, extractEntries } from './archive.js';
import {
  type FailedImage,
  localName,
  readDigests,
  readFailures,
  readSummaries,
} from './archive-lists.js';
import { createProgressBar } from './progress-bar.js';
import { openRemoteArchive, type RemoteArchive } from './remote-archive.js';
import type { Summary } from './summary.js';

export type Downloaded = {
  /** Files that were fetched, and that were there already. */
  readonly fetched: number;
  readonly kept: number;
  readonly images: readonly Summary[];
  readonly errors: readonly FailedImage[];
};

type Archive = RemoteArchive & { readonly name: string; readonly sha256: string | null };
type Target = {
  readonly client: UmbraClient;
  readonly archive: Archive;
  /** Folder that holds archives while they are fetched. */
  readonly out: string;
  /** Folder of the unpacked results. */
  readonly results: string;
};

/**
 * Fetch the results of a job that has ended into `results` of a folder: only what is not there as
 * `SHA256SUMS` has it, and after a break from where it broke off.
 *
 * @throws {AppError} `integrity` if what came is not what the service's lists say.
 */
export async function downloadJob(
  client: UmbraClient,
  job: Pick<Job, 'id' | 'state'>,
  out: string,
): Promise<Downloaded> {
  const results = join(out, 'results');
  const total = { fetched: 0, kept: 0 };
  const images: Summary[] = [];
  const errors: FailedImage[] = [];
  for (const archive of await listArchives(client, job)) {
    const { fetched, kept } = await fetchArchive({ client, archive, out, results });
    total.fetched += fetched;
    total.kept += kept;
    images.push(...(await readSummaries(results, archive.name)));
    errors.push(...(await readFailures(results, archive.name)));
  }
  return { ...total, images, errors };
}

/** None for a job that ended before it had begun. */
async function listArchives(
  client: UmbraClient,
  { id, state }: Pick<Job, 'id' | 'state'>,
): Promise<readonly Archive[]> {
  try {
    const response = await client.request(`/v1/jobs/${encodeURIComponent(id)}/archives`);
    return ((await response.json()) as { data: Archive[] }).data;
  } catch (error) {
    const lacks = hasCode(error, 'conflict') || hasCode(error, 'not_found');
    if (lacks && state !== 'completed') return [];
    throw error;
  }
}

async function fetchArchive(target: Target): Promise<Pick<Downloaded, 'fetched' | 'kept'>> {
  const { client, archive, out, results } = target;
  if (!(await hasFiles(results))) return await fetchWhole(target);
  // The lists lie beside the folders of the images.
  await extractEntries(await openRemoteArchive(client, archive), results, ({ fileName }) =>
    fileName.includes('/') ? null : localName(fileName, archive.name),
  );
  const { wrong, right } = await compare(results, archive.name);
  if (wrong.size > right) return await fetchWhole(target);
  if (wrong.size > 0) {
    await extractEntries(await openRemoteArchive(client, archive), results, ({ fileName }) =>
      wrong.has(fileName) ? fileName : null,
    );
    assertNone((await compare(results, archive.name, wrong)).wrong);
  }
  await rm(join(out, `${zipName(archive)}.part`), { force: true });
  return { fetched: wrong.size, kept: right };
}

/** Fetch an archive in one request, and unpack it. */
async function fetchWhole(target: Target): Promise<Pick<Downloaded, 'fetched' | 'kept'>> {
  const { client, archive, out, results } = target;
  const path = join(out, zipName(archive));
  if ((await stat(path).catch(() => null)) === null) {
    const [unit, unitBytes] = archive.bytes < 2 ** 24 ? ['KiB', 2 ** 10] : ['MiB', 2 ** 20];
    const bar = createProgressBar(`download (${unit})`);
    const count = (bytes: number) => Math.round(bytes / unitBytes);
    await downloadFile(client, archive.path, path, {
      ...(archive.sha256 !== null && { etag: `"${archive.sha256}"` }),
      onBytes: (bytes) => bar.update({ done: count(bytes), total: count(archive.bytes) }),
    });
    bar.end();
  }
  await extractArchive(path, results, ({ fileName }) => localName(fileName, archive.name));
  const { wrong, right } = await compare(results, archive.name);
  assertNone(wrong);
  await rm(path);
  return { fetched: right, kept: 0 };
}

/** The archive's version is in the name: one that was left by a break is never taken for another. */
const zipName = ({ name, sha256 }: Archive): string =>
  sha256 === null ? name : name.replace(/\.zip$/, `-${sha256.slice(0, 12)}.zip`);

const hasFiles = async (folder: string): Promise<boolean> =>
  (await readdir(folder).catch(() => [])).length > 0;

/** Compare files with `SHA256SUMS`. @param only Names of those to look at; all where undefined. */
async function compare(
  results: string,
  archive: string,
  only?: ReadonlySet<string>,
): Promise<{ readonly wrong: ReadonlySet<string>; readonly right: number }> {
  const wrong = new Set<string>();
  let right = 0;
  for await (const { name, sha256 } of readDigests(results, archive)) {
    if (only !== undefined && !only.has(name)) continue;
    if ((await digestOf(join(results, name))) === sha256) right += 1;
    else wrong.add(name);
  }
  return { wrong, right };
}

/** null for a file that is not there. */
async function digestOf(path: string): Promise<string | null> {
  const hash = createHash('sha256');
  try {
    await pipeline(createReadStream(path), hash);
    return hash.digest('hex');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
}

/** @throws {AppError} `integrity` */
function assertNone(wrong: ReadonlySet<string>): void {
  if (wrong.size === 0) return;
  const [first = ''] = wrong;
  throw integrity(
    `Expected files as SHA256SUMS has them, got ${wrong.size} others, the first of them '${escapeHidden(first)}'`,
  );
}
