import { getJson } from '@umbra/platform/store/json';
import { keys } from '@umbra/platform/store/keys';
import { type JobRecord, jobId, jobRequest } from '@umbra/shared/contracts/job';
import { imageResult, isResultFile } from '@umbra/shared/contracts/result';
import { invalidInput } from '@umbra/shared/errors';
import type { Response } from 'express';
import { z } from 'zod';
import { operation, type Route, route } from '../http/operation.js';
import { sendObject } from '../http/send-object.js';
import type { ApiServices } from '../services.js';
import { explainImage, onlyImage } from './explain-image.js';
import { createMemoryBudget } from './memory-budget.js';
import { receiveImage } from './one-image.js';

/** Its files can be fetched for this long. */
const keptSeconds = 3_600;
/** The service ends what nobody cancelled, such as an API process that died. */
const graceSeconds = 5;

const words = z.strictObject({
  model: jobRequest.shape.model,
  /** Of a run, as JSON. */
  settings: z.string().max(4096).default('{}'),
  deadlineSeconds: z.coerce.number().int().min(1).max(120).default(30),
  /** The picture, where a picture is asked for. */
  picture: z.enum(['overlay', 'heatmap']).default('overlay'),
});

const answer = z.strictObject({
  job: jobId,
  result: imageResult,
  /** Every file of the result, for an hour. */
  files: z.array(z.strictObject({ name: z.string(), path: z.string() })),
});

export const explainOperations = {
  explain: operation({
    id: 'explainImage',
    ...{ method: 'post', path: '/v1/explain', tag: 'results', scope: 'submit' },
    summary: 'Explain one image at once, before all jobs in the queue',
    description:
      'The body is an image, or a form with one and with the same words as the query. `Accept: image/png` asks for the picture. Without an answer in time it is given up. What it made is deleted after an hour.',
    query: words.partial(),
    streams: {
      // Whatever the image's field is called, it is taken.
      'multipart/form-data': words.partial().extend({ image: z.file() }),
      'image/*': 'bytes',
      'application/octet-stream': 'bytes',
    },
    answers: {
      200: {
        description: 'What the model said, and where its files are; or the picture',
        content: { 'application/json': answer, 'image/png': 'bytes' },
      },
    },
    problems: [
      ...(['not_found', 'too_large', 'unsupported_media_type', 'unprocessable'] as const),
      ...([
        'integrity',
        'cancelled',
        'deadline_exceeded',
        'unavailable',
        'quota_exceeded',
      ] as const),
    ],
  }),
};

/** Of images that are not stored yet, in this process. */
const maxHeldBytes = 256 * 1024 * 1024;

export function explainRoutes(context: ApiServices): Route[] {
  const room = createMemoryBudget(maxHeldBytes);
  const limit = context.config.UMBRA_MAX_IMAGE_BYTES;
  return [
    route(explainOperations.explain, async ({ tenant, query, request, response }) => {
      const told = Number(request.get('content-length') ?? limit);
      const form = await room.hold(Math.min(told, limit), () => receiveImage(request, limit));
      const asked = parseWords({ ...query, ...form.fields }, form.image.release);
      const abandoned = new AbortController();
      response.once('close', () => abandoned.abort());
      const job = await explainImage(context, tenant, {
        image: form.image,
        name: form.name,
        request: asked.request,
        deadlineMs: asked.deadlineSeconds * 1000,
        abandoned: abandoned.signal,
      });
      if (request.accepts(['application/json', 'image/png']) === 'image/png') {
        const key = keys.result(tenant, job.id, onlyImage, `${asked.picture}.png`);
        await sendObject(context, { key, mediaType: 'image/png' }, { request, response });
      } else await sendAnswer(context, tenant, job, response);
    }),
  ];
}

/** @param giveUp Called where they are no words of ours. */
function parseWords(given: object, giveUp: () => void) {
  try {
    const asked = words.parse(given);
    return { ...asked, request: requestOf(asked) };
  } catch (error) {
    giveUp();
    throw error;
  }
}

function requestOf({ model, settings, deadlineSeconds }: z.output<typeof words>) {
  const { dataset: _, ...request } = jobRequest.parse({
    // The image's own dataset is not made yet.
    dataset: `ds_${'0'.repeat(20)}`,
    model,
    settings: parseSettings(settings),
    keepResultsSeconds: keptSeconds,
    expiresAfterSeconds: deadlineSeconds + graceSeconds,
  });
  return request;
}

function parseSettings(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw invalidInput('settings: Expected valid JSON', error);
  }
}

async function sendAnswer(
  { store }: ApiServices,
  tenant: string,
  { id }: JobRecord,
  response: Response,
): Promise<void> {
  const key = keys.result(tenant, id, onlyImage, 'result.json');
  const result = await getJson(store, key, imageResult);
  const files = [...result.files, 'result.json'].filter(isResultFile).map((name) => ({
    name,
    path: `/v1/jobs/${id}/images/${onlyImage}/${name}`,
  }));
  response.set('Content-Location', `/v1/jobs/${id}`).json({ job: id, result, files });
}
