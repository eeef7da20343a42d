import { imageId } from '@umbra/shared/contracts/dataset';
import { eventIdForm } from '@umbra/shared/contracts/event';
import { AppError, invalidInput } from '@umbra/shared/errors';
import { z } from 'zod';
import { forCaller } from '../http/for-caller.js';
import type { Identity } from '../http/identity.js';
import { operation, type Route, route } from '../http/operation.js';
import { jobParam } from '../http/params.js';
import { type EventServices, streamEvents } from './event-stream.js';
import { findJob } from './find-job.js';

export const eventOperations = {
  follow: operation({
    id: 'followJob',
    method: 'get',
    path: '/v1/jobs/{job}/events',
    tag: 'jobs',
    scope: 'read',
    summary: 'Follow a job live: its states, its progress, and each image as it is finished',
    description:
      'Server-sent events `state`, `progress` and `image`, their data JSON. A connection begins with how things stand; one that sends the id of the last event it has goes on after that, without gaps or doubles, or begins with `reset` where that event is no longer kept. It ends after the final state, and from time to time, so that the key is checked again: who connects again with the last id goes on. With `bands=true`, a `band` tells the scores of rows as they arrive; bands have no id and are not kept: the partial result of an image, read once the stream has begun, has those before it.',
    params: jobParam,
    query: z.strictObject({
      bands: z
        .enum(['true', 'false'])
        .default('false')
        .transform((word) => word === 'true'),
      /** The image whose bands are told; those of all where left out. */
      image: imageId.optional(),
    }),
    headers: { 'Last-Event-ID': z.string().optional() },
    problems: ['quota_exceeded'],
    answers: {
      200: {
        description: 'Events, until the job has ended or some minutes are over',
        content: { 'text/event-stream': 'bytes' },
      },
      204: { description: 'The job has ended, and the client has its last event' },
    },
  }),
};

export function eventRoutes(services: EventServices): Route[] {
  return [
    route(eventOperations.follow, async (call) => {
      const { tenant, params, query, request, response, signal } = call;
      if (query.image !== undefined && !query.bands) {
        throw invalidInput('Expected image beside bands=true, got it alone');
      }
      const lastId = request.get('last-event-id') || null;
      if (lastId !== null && !eventIdForm.test(lastId)) {
        throw invalidInput("Expected Last-Event-ID to be an event's id");
      }
      const reading = forCaller(services, call);
      const { id: jobId } = await findJob(reading, tenant, params.job);
      await assertWithinQuota(services, tenant);
      const giveBack = await services.turns.streams.take({ tenant, signal });
      response.once('close', giveBack);
      const bands = query.bands ? bandsOf(query.image) : null;
      const maxMs = lifeOf(services.config, call.identity);
      await streamEvents(reading, { tenant, jobId, lastId, bands, maxMs, response });
    }),
  ];
}

/** Share of its life that a stream may lack: followers who came together, as after a restart, do not all come back so. */
const spread = 0.2;

/** Life of a stream, ms: to the end of the key or of the session at most. */
function lifeOf({ UMBRA_MAX_STREAM_MS }: EventServices['config'], { endsAt }: Identity): number {
  const maxMs = UMBRA_MAX_STREAM_MS * (1 - spread * Math.random());
  return endsAt === null ? maxMs : Math.max(0, Math.min(maxMs, Date.parse(endsAt) - Date.now()));
}

const bandsOf = (image: string | undefined) => (image === undefined ? 'all' : { image });

/** @throws {AppError} `quota_exceeded` */
async function assertWithinQuota(
  { readTenant, turns }: EventServices,
  tenant: string,
): Promise<void> {
  const { streams } = (await readTenant(tenant)).quotas;
  if (streams === null || turns.streams.heldBy(tenant) < streams) return;
  throw new AppError(
    'quota_exceeded',
    `Beyond the quota of streams: at most ${streams}, and as many are open at this process`,
  );
}
