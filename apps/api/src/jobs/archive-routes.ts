import { getJson } from '@umbra/platform/store/json';
import { keys } from '@umbra/platform/store/keys';
import {
  type ArchivePart,
  archiveIndex,
  archiveName,
  archivePart,
} from '@umbra/shared/contracts/archive';
import { isFinal, type JobRecord } from '@umbra/shared/contracts/job';
import { AppError, hasCode, notFound } from '@umbra/shared/errors';
import { z } from 'zod';
import { type OperationAnswer, operation, type Route, route } from '../http/operation.js';
import { jobParam } from '../http/params.js';
import { ProblemError } from '../http/problems.js';
import { type Exchange, redirectQuery, redirectToObject, sendObject } from '../http/send-object.js';
import type { ApiServices } from '../services.js';
import { findJob } from './job-routes.js';

const listedPart = archivePart.extend({
  /** Where it is, on this service. */
  path: z.string(),
});

const rangeHeaders = { Range: z.string().optional(), 'If-Range': z.string().optional() } as const;
const zip = { 'application/zip': 'bytes' } as const;
const headers = {
  ETag: 'Of this content; for If-Range',
  'Repr-Digest': 'SHA-256 of the whole file (RFC 9530)',
} as const;
const zipAnswers: Readonly<Record<number, OperationAnswer>> = {
  200: { description: 'All of it', content: zip, headers },
  206: { description: 'The range asked for', content: zip, headers },
  302: { description: 'Where the store has it', headers: { Location: 'A URL for some minutes' } },
};

export const archiveOperations = {
  one: operation({
    id: 'getArchive',
    ...{ method: 'get', path: '/v1/jobs/{job}/archive', tag: 'results', scope: 'read' },
    summary: 'A zip of everything, with digests and provenance, where it is one',
    params: jobParam,
    query: redirectQuery,
    headers: rangeHeaders,
    answers: zipAnswers,
    problems: ['conflict', 'range_not_satisfiable'],
  }),
  list: operation({
    id: 'listArchives',
    ...{ method: 'get', path: '/v1/jobs/{job}/archives', tag: 'results', scope: 'read' },
    summary: 'The zips of a job, each complete in itself',
    params: jobParam,
    answers: {
      200: {
        description: 'In the order of their images',
        content: { 'application/json': z.strictObject({ data: z.array(listedPart) }) },
      },
    },
    problems: ['conflict'],
  }),
  part: operation({
    id: 'getArchivePart',
    ...{ method: 'get', path: '/v1/jobs/{job}/archives/{part}', tag: 'results', scope: 'read' },
    summary: 'One zip of a job, by its name',
    params: { ...jobParam, part: archiveName },
    query: redirectQuery,
    headers: rangeHeaders,
    answers: zipAnswers,
    problems: ['conflict', 'range_not_satisfiable'],
  }),
};

export function archiveRoutes(context: ApiServices): Route[] {
  return [
    route(archiveOperations.one, async ({ tenant, params, query, request, response }) => {
      const job = await findJob(context, tenant, params.job);
      const [first, ...others] = await readParts(context, tenant, job);
      if (first === undefined || others.length > 0) {
        throw new AppError(
          'conflict',
          `Job '${job.id}' has ${others.length + 1} archives: /v1/jobs/${job.id}/archives lists them`,
        );
      }
      await send(context, tenant, job, first, query.redirect, { request, response });
    }),
    route(archiveOperations.list, async ({ tenant, params, response }) => {
      const job = await findJob(context, tenant, params.job);
      const parts = await readParts(context, tenant, job);
      const data = parts.map((part) => ({
        ...part,
        path: `/v1/jobs/${job.id}/archives/${part.name}`,
      }));
      response.json({ data });
    }),
    route(archiveOperations.part, async ({ tenant, params, query, request, response }) => {
      const job = await findJob(context, tenant, params.job);
      const parts = await readParts(context, tenant, job);
      const part = parts.find(({ name }) => name === params.part);
      if (part === undefined) throw notFound(`Job '${job.id}' has no archive '${params.part}'`);
      await send(context, tenant, job, part, query.redirect, { request, response });
    }),
  ];
}

async function send(
  context: ApiServices,
  tenant: string,
  job: JobRecord,
  part: ArchivePart,
  redirect: boolean,
  exchange: Exchange,
): Promise<void> {
  const { name, sha256 } = part;
  const object = {
    key: keys.archive(tenant, job.id, name),
    mediaType: 'application/zip',
    fileName: name.replace('archive', job.id),
  };
  if (redirect && (await redirectToObject(context, object, exchange.response))) return;
  const ended = job.completedAt ?? job.cancelledAt ?? job.expiredAt ?? '';
  const etag = sha256 === null ? `"${job.id}-${Date.parse(ended)}"` : `"${sha256}"`;
  await sendObject(context, { ...object, etag, headers: digestHeader(sha256) }, exchange);
}

/** @see https://www.rfc-editor.org/rfc/rfc9530 */
function digestHeader(sha256: string | null): Record<string, string> {
  if (sha256 === null) return {};
  return { 'Repr-Digest': `sha-256=:${Buffer.from(sha256, 'hex').toString('base64')}:` };
}

/** @throws {AppError} `conflict` where there are none, or none yet; `not_found` if they are gone. */
async function readParts(
  { store }: ApiServices,
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
    return [await findOldArchive({ store }, tenant, job)];
  }
}

/** Of before archives were listed. */
async function findOldArchive(
  { store }: Pick<ApiServices, 'store'>,
  tenant: string,
  { id, counts }: JobRecord,
): Promise<ArchivePart> {
  const found = await store.head(keys.archive(tenant, id));
  if (found === null) throw notFound('The archive is gone');
  return { name: 'archive.zip', bytes: found.bytes, sha256: null, images: counts.total };
}
