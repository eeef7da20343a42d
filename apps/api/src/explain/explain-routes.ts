import { getJson } from '@umbra/platform/store/json';
import { keys } from '@umbra/platform/store/keys';
import { type JobRecord, jobId, jobRequest } from '@umbra/shared/contracts/job';
import { allOutputs } from '@umbra/shared/contracts/outputs';
import { imageResult, isResultFile } from '@umbra/shared/contracts/result';
import type { Response } from 'express';
import { z } from 'zod';
import { operation, type Route, route } from '../http/operation.js';
import { sendObject } from '../http/send-object.js';
import { parseSettings, settingsText } from '../jobs/settings-text.js';
import type { ApiServices } from '../services.js';
import { type ExplainServices, explainImage } from './explain-image.js';
import { holdImage } from './hold-image.js';
import { receiveImage } from './receive-image.js';
import { onlyImage } from './wait-for-image.js';

/** How long the result's files are kept. */
const keptSeconds = 3_600;
/** Time after the deadline at which the job expires, where an API process died without cancelling it. */
const graceSeconds = 5;

const explainQuery = z.strictObject({
  model: jobRequest.shape.model,
  settings: settingsText,
  deadlineSeconds: z.coerce.number().int().min(1).max(120).default(30),
  /** Picture to answer with, where the client accepts a picture. */
  picture: z.enum(['overlay', 'heatmap']).default('overlay'),
});

const answer = z.strictObject({
  job: jobId,
  result: imageResult,
  /** Files of the result, which are kept for an hour. */
  files: z.array(z.strictObject({ name: z.string(), path: z.string() })),
});

export const explainOperations = {
  explain: operation({
    id: 'explainImage',
    method: 'post',
    path: '/v1/explain',
    tag: 'results',
    scope: 'submit',
    summary: 'Explain one image while the client waits, ahead of all queued jobs',
    description:
      'The body is an image, or a form with one and with the same fields as the query. `Accept: image/png` requests the picture. The job is cancelled at the deadline. Its results are deleted after an hour.',
    query: explainQuery.partial(),
    streams: {
      // The image is accepted under any field name.
      'multipart/form-data': explainQuery.partial().extend({ image: z.file() }),
      'image/*': 'bytes',
      'application/octet-stream': 'bytes',
    },
    answers: {
      200: {
        description: 'The result and the paths of its files; or the picture',
        content: { 'application/json': answer, 'image/png': 'bytes' },
      },
    },
    problems: [
      'not_found',
      'conflict',
      'too_large',
      'unsupported_media_type',
      'unprocessable',
      'poison',
      'integrity',
      'cancelled',
      'deadline_exceeded',
      'unavailable',
      'quota_exceeded',
    ],
  }),
};

/** Route that explains one image while its client waits. */
export function explainRoutes(services: ExplainServices): Route[] {
  const maxBytes = services.config.UMBRA_MAX_IMAGE_BYTES;
  return [
    route(explainOperations.explain, async (call) => {
      const { tenant, query, request, response, signal } = call;
      const declared = Number(request.get('content-length') ?? maxBytes);
      const weight = Math.min(declared, maxBytes);
      const form = await holdImage(services.turns.images, { tenant, signal, weight }, () =>
        receiveImage(request, { signal, maxBytes, onBytes: services.turns.images.moved }),
      );
      const asked = parseQuery({ ...query, ...form.fields }, form.image.release);
      const job = await explainImage(services, tenant, {
        image: form.image,
        name: form.name,
        request: asked.request,
        deadlineMs: asked.deadlineSeconds * 1000,
        abandoned: signal,
      });
      if (request.accepts(['application/json', 'image/png']) === 'image/png') {
        const key = keys.result(tenant, job.id, onlyImage, `${asked.picture}.png`);
        await sendObject(services, { key, mediaType: 'image/png' }, call);
      } else await sendAnswer(services, tenant, job, response);
    }),
  ];
}

/** Parse the query and the form's fields. @param release Called if they are invalid. */
function parseQuery(given: object, release: () => void) {
  try {
    const asked = explainQuery.parse(given);
    return { ...asked, request: requestOf(asked) };
  } catch (error) {
    release();
    throw error;
  }
}

function requestOf({ model, settings, deadlineSeconds }: z.output<typeof explainQuery>) {
  const { dataset: _, ...request } = jobRequest.parse({
    // A placeholder: the image's own dataset is not created yet.
    dataset: `ds_${'0'.repeat(20)}`,
    model,
    settings: parseSettings(settings),
    // Its files are kept for an hour, and its client asks for a picture at once.
    outputs: allOutputs,
    keepResultsSeconds: keptSeconds,
    expiresAfterSeconds: deadlineSeconds + graceSeconds,
  });
  return request;
}

async function sendAnswer(
  { store }: Pick<ApiServices, 'store'>,
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
