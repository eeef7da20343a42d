import { getJson } from '@umbra/platform/store/json';
import { keys } from '@umbra/platform/store/keys';
import type { ObjectStore } from '@umbra/platform/store/store';
import {
  type ArchivePart,
  archiveIndex,
  archiveName,
  archivePart,
} from '@umbra/shared/contracts/archive';
import { isFinal, type JobRecord } from '@umbra/shared/contracts/job';
import { outputList } from '@umbra/shared/contracts/outputs';
import { AppError, hasCode, notFound } from '@umbra/shared/errors';
import { z } from 'zod';
import { forCaller } from '../http/for-caller.js';
import { type OperationAnswer, operation, type Route, route } from '../http/operation.js';
import { jobParam } from '../http/params.js';
import { ProblemError } from '../http/problems.js';
import {
  type Exchange,
  rangeHeaders,
  redirectQuery,
  redirectToObject,
  type SentObject,
  sendObject,
} from '../http/send-object.js';
import { findJob } from './find-job.js';
import { sendArchive } from './send-archive.js';
import type { FileServices } from './send-file.js';

const listedPart = archivePart.extend({
  /** Path on this service. */
  path: z.string(),
});

const zip = { 'application/zip': 'bytes' } as const;
const headers = {
  ETag: 'Entity tag of the content, for If-Range',
  'Repr-Digest': 'SHA-256 of the whole file (RFC 9530)',
} as const;
const zipAnswers: Readonly<Record<number, OperationAnswer>> = {
  200: { description: 'The whole file', content: zip, headers },
  206: { description: 'The requested range', content: zip, headers },
  302: {
    description: 'A redirect to the store',
    headers: { Location: 'A URL that is valid for some minutes' },
  },
};

export const archiveOperations = {
  one: operation({
    id: 'getArchive',
    method: 'get',
    path: '/v1/jobs/{job}/archive',
    tag: 'results',
    scope: 'read',
    summary: 'Download the archive of a job that has one: a zip with digests and provenance',
    description:
      'With `include`, a zip of these kinds of files of all finished images, written while it is sent; what is not stored is drawn. It has no length, and no ranges.',
    params: jobParam,
    query: redirectQuery.extend({
      /** Kinds of files: `all`, or some of them, separated by commas; the stored archive when left out. */
      include: outputList.optional(),
    }),
    headers: rangeHeaders,
    answers: zipAnswers,
    problems: ['conflict', 'range_not_satisfiable'],
  }),
  list: operation({
    id: 'listArchives',
    method: 'get',
    path: '/v1/jobs/{job}/archives',
    tag: 'results',
    scope: 'read',
    summary: 'List the archives of a job; each is a complete zip',
    params: jobParam,
    answers: {
      200: {
        description: 'All archives, in the order of their images',
        content: { 'application/json': z.strictObject({ data: z.array(listedPart) }) },
      },
    },
    problems: ['conflict'],
  }),
  part: operation({
    id: 'getArchivePart',
    method: 'get',
    path: '/v1/jobs/{job}/archives/{part}',
    tag: 'results',
    scope: 'read',
    summary: 'Download one archive of a job, by name',
    params: { ...jobParam, part: archiveName },
    query: redirectQuery,
    headers: rangeHeaders,
    answers: zipAnswers,
    problems: ['conflict', 'range_not_satisfiable'],
  }),
};

type ArchiveServices = FileServices;

/** Routes of a job's archives. */
export function archiveRoutes(services: ArchiveServices): Route[] {
  return [
    route(archiveOperations.one, async (call) => {
      const { tenant, params, query } = call;
      const reading = forCaller(services, call);
      const job = await findJob(reading, tenant, params.job);
      const { include } = query;
      if (include !== undefined) return sendArchive(reading, { job, include }, call);
      const [first, ...others] = await readParts(reading, tenant, job);
      if (first === undefined || others.length > 0) {
        throw new AppError(
          'conflict',
          `Job '${job.id}' has ${others.length + 1} archives: /v1/jobs/${job.id}/archives lists them`,
        );
      }
      const archive = describeArchive(tenant, job, first);
      await sendStored(reading, archive, query.redirect, call);
    }),
    route(archiveOperations.list, async (call) => {
      const { tenant, params, response } = call;
      const reading = forCaller(services, call);
      const job = await findJob(reading, tenant, params.job);
      const parts = await readParts(reading, tenant, job);
      const data = parts.map((part) => ({
        ...part,
        path: `/v1/jobs/${job.id}/archives/${part.name}`,
      }));
      response.json({ data });
    }),
    route(archiveOperations.part, async (call) => {
      const { tenant, params, query } = call;
      const reading = forCaller(services, call);
      const job = await findJob(reading, tenant, params.job);
      const parts = await readParts(reading, tenant, job);
      const part = parts.find(({ name }) => name === params.part);
      if (part === undefined) throw notFound(`Job '${job.id}' has no archive '${params.part}'`);
      const archive = describeArchive(tenant, job, part);
      await sendStored(reading, archive, query.redirect, call);
    }),
  ];
}

/** Describe an archive as the object that is sent. */
function describeArchive(
  tenant: string,
  job: JobRecord,
  { name, sha256 }: ArchivePart,
): SentObject & { readonly etag: string } {
  return {
    key: keys.archive(tenant, job.id, name),
    mediaType: 'application/zip',
    fileName: name.replace('archive', job.id),
    etag: sha256 === null ? `"${job.id}-${endedAt(job)}"` : `"${sha256}"`,
    headers: digestHeader(sha256),
  };
}

async function sendStored(
  services: ArchiveServices,
  archive: SentObject,
  redirect: boolean,
  exchange: Exchange,
): Promise<void> {
  if (redirect && (await redirectToObject(services, archive, exchange.response))) return;
  await sendObject(services, archive, exchange);
}

/** Find when a final job ended, ms since the epoch. */
function endedAt({ id, completedAt, failedAt, cancelledAt, expiredAt }: JobRecord): number {
  const ended = completedAt ?? cancelledAt ?? expiredAt ?? failedAt;
  if (ended === null) throw new RangeError(`Expected job '${id}' to have ended`);
  return Date.parse(ended);
}

/** @see https://www.rfc-editor.org/rfc/rfc9530 */
function digestHeader(sha256: string | null): Record<string, string> {
  if (sha256 === null) return {};
  return { 'Repr-Digest': `sha-256=:${Buffer.from(sha256, 'hex').toString('base64')}:` };
}

/**
 * Read the list of a job's archives.
 *
 * @throws {AppError} `conflict` where it has none, or none yet; `not_found` where they are gone.
 */
async function readParts(
  { store }: Pick<ArchiveServices, 'store'>,
  tenant: string,
  job: JobRecord,
): Promise<readonly ArchivePart[]> {
  if (!isFinal(job.state)) {
    throw new ProblemError('conflict', `Job '${job.id}' is ${job.state}; its archive comes last`, {
      headers: { 'Retry-After': '1' },
    });
  }
  if (job.interactive) {
    throw new AppError('conflict', `Job '${job.id}' was answered at once and has no archive`);
  }
  try {
    return (await getJson(store, keys.archives(tenant, job.id), archiveIndex)).parts;
  } catch (error) {
    if (!hasCode(error, 'not_found')) throw error;
    if (job.state === 'failed') {
      throw new AppError('conflict', `Job '${job.id}' failed and has no archive`);
    }
    if (job.startedAt === null) {
      throw new AppError('conflict', `Job '${job.id}' never began and has no archive`);
    }
    return [await findUnlistedArchive(store, tenant, job)];
  }
}

/** Find the archive of a job that ended before archives were listed. */
async function findUnlistedArchive(
  store: ObjectStore,
  tenant: string,
  { id, counts }: JobRecord,
): Promise<ArchivePart> {
  const found = await store.head(keys.archive(tenant, id));
  if (found === null) throw notFound('The archive is gone');
  return { name: 'archive.zip', bytes: found.bytes, sha256: null, images: counts.total };
}
