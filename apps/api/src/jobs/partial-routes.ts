import { decodeRows, renderScoreMap } from '@umbra/engine';
import type { JobRecord } from '@umbra/shared/contracts/job';
import { type PartialResult, partialResult } from '@umbra/shared/contracts/partial';
import type { ShardResult } from '@umbra/shared/contracts/shard';
import { invalidInput, notFound } from '@umbra/shared/errors';
import { imageIndexOf } from '@umbra/shared/ids';
import type { OcclusionPlan } from '@umbra/shared/occlusion/plan';
import type { Response } from 'express';
import { z } from 'zod';
import { operation, type Route, route } from '../http/operation.js';
import { imageParams } from '../http/params.js';
import { createDrawingSemaphore } from '../http/pictures.js';
import type { ApiServices } from '../services.js';
import { findJob } from './job-routes.js';
import { imageState } from './list-images.js';
import { type PartialRun, readPartial } from './read-partial.js';
import { missingResult } from './view-routes.js';

const place = z.coerce.number().int().min(0).max(1_000);
const headers = { 'Retry-After': 'Seconds to wait before asking again' } as const;
const finished = {
  description: 'The image is finished',
  headers: { Location: 'Its final result' },
} as const;

export const partialOperations = {
  rows: operation({
    id: 'getPartialResult',
    method: 'get',
    path: '/v1/jobs/{job}/images/{image}/partial',
    ...{ tag: 'results', scope: 'read' },
    summary: 'What is known of an image while it runs',
    params: imageParams,
    answers: {
      200: {
        description: 'Rows that are done; none before the image is begun',
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
    ...{ tag: 'results', scope: 'read' },
    summary: 'The scores of an image while it runs, grey where nothing is known yet',
    params: imageParams,
    query: z.strictObject({
      /** Index into the targets of the run. */
      target: place.default(0),
      /** Of the patch sizes. */
      grid: place.default(0),
    }),
    answers: {
      200: { description: 'A picture', content: { 'image/png': 'bytes' }, headers },
      303: finished,
    },
  }),
};

/** Results of images that are not finished. */
export function partialRoutes(context: ApiServices): Route[] {
  const drawingSemaphore = createDrawingSemaphore();
  return [
    route(partialOperations.rows, async ({ tenant, params, response }) => {
      const run = await findPartial(context, tenant, params, response, 'result.json');
      if (run === null) return;
      response.json(partialResult.parse(describe(params.image, run)));
    }),
    route(partialOperations.picture, async ({ tenant, params, query, response }) => {
      const file = query.target === 0 ? 'heatmap.png' : `heatmap-${query.target + 1}.png`;
      const run = await findPartial(context, tenant, params, response, file);
      if (run === null) return;
      const { plan, bands } = run;
      if (plan === null) throw notFound(`Image '${params.image}' is not begun yet`);
      const png = await drawingSemaphore(() => draw(plan, bands, query));
      response.type('image/png').send(png);
    }),
  ];
}

/** @returns null where the answer is sent: the image is finished. @throws {AppError} `not_found` */
async function findPartial(
  context: ApiServices,
  tenant: string,
  { job: id, image }: { readonly job: string; readonly image: string },
  response: Response,
  file: string,
): Promise<PartialRun | null> {
  const job = await findJob(context, tenant, id);
  if (imageIndexOf(image) >= job.counts.total) throw notFound(`Unknown image '${image}'`);
  if (await isFinished(context, tenant, job, image, file, response)) return null;
  const run = await readPartial(context, job, image);
  // It may have been merged since it was looked for.
  const isGone = run.bands.length === 0;
  if (isGone && (await isFinished(context, tenant, job, image, file, response))) return null;
  response.set({ 'Retry-After': '1', 'Cache-Control': 'no-store' });
  return run;
}

async function isFinished(
  { store }: ApiServices,
  tenant: string,
  { id }: JobRecord,
  image: string,
  file: string,
  response: Response,
): Promise<boolean> {
  const { state } = await imageState(store, tenant, id, image);
  if (state === 'failed') throw await missingResult(store, tenant, id, image);
  if (state !== 'completed') return false;
  response.redirect(303, `/v1/jobs/${id}/images/${image}/${file}`);
  return true;
}

function describe(image: string, { plan, bands }: PartialRun): PartialResult {
  const baseline = bands[0]?.baseline;
  return {
    image,
    rows: plan?.rows ?? null,
    grids: (plan?.grids ?? []).map(({ patch, rows, columns }) => ({ patch, rows, columns })),
    predicted: baseline?.predicted ?? null,
    targets: baseline?.targets ?? [],
    bands: bands.map(({ rowStart, rowEnd, scores, predictedClasses }) => {
      return { rowStart, rowEnd, scores, predictedClasses };
    }),
  };
}

function draw(
  plan: OcclusionPlan,
  bands: readonly ShardResult[],
  { target, grid: at }: { readonly target: number; readonly grid: number },
): Promise<Buffer> {
  const grid = plan.grids[at];
  if (grid === undefined) throw invalidInput(`Expected grid below ${plan.grids.length}, got ${at}`);
  const baseline = bands[0]?.baseline;
  const watched = baseline?.targets[target];
  if (baseline !== undefined && watched === undefined) {
    throw invalidInput(`Expected target below ${baseline.targets.length}, got ${target}`);
  }
  const scores = new Float32Array(plan.positions).fill(Number.NaN);
  let done = 0;
  for (const band of bands) {
    const { rowStart, rowEnd, scores: all, predictedClasses } = decodeRows(band);
    const length = predictedClasses.length;
    scores.set(all.subarray(target * length, (target + 1) * length), plan.rowStarts[rowStart]);
    done += rowEnd - rowStart;
  }
  const name = watched === undefined ? '' : `${watched.label}: `;
  return renderScoreMap(
    scores.subarray(plan.gridStarts[at], plan.gridStarts[at + 1]),
    grid,
    watched?.score ?? 0,
    `${name}${done} of ${plan.rows} rows done`,
  );
}
