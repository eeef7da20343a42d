import { decodeRows, renderPartial } from '@umbra/engine';
import { type PartialResult, partialResult } from '@umbra/shared/contracts/partial';
import type { Reference } from '@umbra/shared/contracts/reference';
import type { ShardResult } from '@umbra/shared/contracts/shard';
import { invalidInput, notFound } from '@umbra/shared/errors';
import { imageIndexOf } from '@umbra/shared/ids';
import type { OcclusionPlan } from '@umbra/shared/occlusion/plan';
import type { Response } from 'express';
import { z } from 'zod';
import { forCaller } from '../http/for-caller.js';
import { operation, type Route, route } from '../http/operation.js';
import { imageParams } from '../http/params.js';
import type { ApiServices } from '../services.js';
import { findJob } from './find-job.js';
import { missingResultError, readImageState } from './image-state.js';
import { type PartialRun, readPartial } from './read-partial.js';

const index = z.coerce.number().int().min(0).max(1_000);
const pictureQuery = z.strictObject({
  /** Index into the targets of the run. */
  target: index.default(0),
  /** Index into the patch sizes; the mean of all, as in the final heatmap, where left out. */
  grid: index.optional(),
});
const headers = { 'Retry-After': 'Seconds to wait before the next request' } as const;
const finished = {
  description: 'The image is finished',
  headers: { Location: 'Its final result' },
} as const;

export const partialOperations = {
  rows: operation({
    id: 'getPartialResult',
    method: 'get',
    path: '/v1/jobs/{job}/images/{image}/partial',
    tag: 'results',
    scope: 'read',
    summary: 'Get the scores of an image that is still running',
    params: imageParams,
    answers: {
      200: {
        description: 'Finished rows; none before the image is started',
        content: { 'application/json': partialResult },
        headers,
      },
      303: finished,
    },
  }),
  picture: operation({
    id: 'getPartialPicture',
    method: 'get',
    path: '/v1/jobs/{job}/images/{image}/partial.png',
    tag: 'results',
    scope: 'read',
    summary:
      'Draw the heatmap of an image that is still running, as the final one is drawn; what is unknown is grey',
    params: imageParams,
    query: pictureQuery,
    answers: {
      200: { description: 'A picture', content: { 'image/png': 'bytes' }, headers },
      303: finished,
    },
  }),
};

type PartialServices = Pick<ApiServices, 'store' | 'mergeQueue' | 'turns'>;

/** Routes of the results of images that are not finished. */
export function partialRoutes(services: PartialServices): Route[] {
  return [
    route(partialOperations.rows, async (call) => {
      const { tenant, params, response } = call;
      const image = { tenant, id: params.job, image: params.image };
      const partial = await findPartial(forCaller(services, call), image, 'result.json', response);
      if (partial === null) return;
      response.json(partialResult.parse(toPartialResult(params.image, partial)));
    }),
    route(partialOperations.picture, async (call) => {
      const { tenant, params, query, response } = call;
      const file = query.target === 0 ? 'heatmap.png' : `heatmap-${query.target + 1}.png`;
      const image = { tenant, id: params.job, image: params.image };
      const partial = await findPartial(forCaller(services, call), image, file, response);
      if (partial === null) return;
      const { plan, bands, settings } = partial;
      if (plan === null) throw notFound(`Image '${params.image}' is not begun yet`);
      const png = await services.turns.drawings.run(call, () =>
        drawPartial({ plan, bands, settings }, query),
      );
      response.type('image/png').send(png);
    }),
  ];
}

/** An image of a job. */
type JobImage = Reference & { readonly image: string };

/**
 * Read an image's finished rows, or redirect to the final result.
 *
 * @param file The final result of which the rows are a part.
 * @returns null where the image is finished, and the request answered.
 * @throws {AppError} `not_found`
 */
async function findPartial(
  services: PartialServices,
  target: JobImage,
  file: string,
  response: Response,
): Promise<PartialRun | null> {
  const { tenant, id, image } = target;
  const job = await findJob(services, tenant, id);
  if (imageIndexOf(image) >= job.counts.total) throw notFound(`Unknown image '${image}'`);
  const partial = (await isFinished(services, target))
    ? null
    : await readPartial(services, tenant, job, image);
  // The image may have been merged between the two reads.
  if (partial === null || (partial.bands.length === 0 && (await isFinished(services, target)))) {
    response.redirect(303, `/v1/jobs/${id}/images/${image}/${file}`);
    return null;
  }
  response.set('Retry-After', '1');
  return partial;
}

/** @throws {AppError} `not_found` with the reason, if the image failed. */
async function isFinished(
  { store }: Pick<ApiServices, 'store'>,
  target: JobImage,
): Promise<boolean> {
  const { state } = await readImageState(store, target, target.image);
  if (state === 'failed') throw await missingResultError(store, target, target.image);
  return state === 'completed';
}

function toPartialResult(image: string, { plan, bands }: PartialRun): PartialResult {
  // Every band carries the same baseline run.
  const baseline = bands[0]?.baseline;
  return {
    image,
    rows: plan === null ? null : plan.rows,
    grids:
      plan === null ? [] : plan.grids.map(({ patch, rows, columns }) => ({ patch, rows, columns })),
    predicted: baseline === undefined ? null : baseline.predicted,
    targets: baseline === undefined ? [] : baseline.targets,
    bands: bands.map(({ rowStart, rowEnd, scores, predictedClasses }) => {
      return { rowStart, rowEnd, scores, predictedClasses };
    }),
  };
}

function drawPartial(
  { plan, bands, settings }: PartialRun & { readonly plan: OcclusionPlan },
  { target: wanted, grid }: z.output<typeof pictureQuery>,
): Promise<Buffer> {
  if (grid !== undefined && grid >= plan.grids.length) {
    throw invalidInput(`Expected grid below ${plan.grids.length}, got ${grid}`);
  }
  const baseline = bands[0]?.baseline;
  const target = baseline?.targets[wanted] ?? null;
  if (baseline !== undefined && target === null) {
    throw invalidInput(`Expected target below ${baseline.targets.length}, got ${wanted}`);
  }
  const done = bands.reduce((sum, { rowStart, rowEnd }) => sum + rowEnd - rowStart, 0);
  const scores = joinScores(plan, bands, wanted);
  const progress = `${done} of ${plan.rows} rows done`;
  return renderPartial({ plan, scores, target, settings, grid, progress });
}

/** Join one target's scores of all bands. @returns float32 [positions], NaN where unknown. */
function joinScores(
  plan: OcclusionPlan,
  bands: readonly ShardResult[],
  target: number,
): Float32Array {
  const joined = new Float32Array(plan.positions).fill(Number.NaN);
  for (const band of bands) {
    const { scores, predictedClasses } = decodeRows(band);
    const { length } = predictedClasses;
    joined.set(
      scores.subarray(target * length, (target + 1) * length),
      plan.rowStarts[band.rowStart],
    );
  }
  return joined;
}
