import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { encodeKernels, findLayer, listLayers, renderFilters } from '@umbra/engine';
import { filterView, findModel, type LayerList, type Size } from '@umbra/shared';
import { Router } from 'express';
import { z } from 'zod';
import type { Context } from '../context.js';
import { createDrawingTurns, isFresh, sendPage, useStored } from '../figures.js';
import { parseQuery } from '../problems.js';

const layersQuery = z.strictObject({
  /** Extent of the input, px; the model's own when left out. */
  size: z
    .string()
    .regex(/^[1-9]\d{0,3}x[1-9]\d{0,3}$/, 'Expected HEIGHTxWIDTH')
    .transform((text): Size => {
      const [height = 0, width = 0] = text.split('x').map(Number);
      return { height, width };
    })
    .optional(),
});
const noQuery = z.strictObject({});

/** What a model is made of. */
export function layerRoutes(context: Context): Router {
  const inTurn = createDrawingTurns();
  const router = Router();
  router.get('/v1/models/:name/layers', async (request, response) => {
    const { size } = parseQuery(layersQuery, request.query);
    const { name, digest } = await findModel(context.store, request.params.name);
    if (isFresh(request, response, [digest, 'layers', size])) return;
    const list = await inTurn(() =>
      useStored(context, { name, digest }, size, async ({ network }) => ({
        ...{ model: name, digest, input: network.size },
        layers: [...listLayers(network.graph)],
      })),
    );
    response.json(list satisfies LayerList);
  });
  router.get('/v1/models/:name/layers/:layer/filters.png', async (request, response) => {
    const view = parseQuery(filterView, request.query);
    const { name, digest } = await findModel(context.store, request.params.name);
    if (isFresh(request, response, [digest, request.params.layer, view])) return;
    const figure = await inTurn(() =>
      useStored(context, { name, digest }, undefined, async ({ bundle, network }) => {
        const { node } = findLayer(network.graph, request.params.layer);
        const kernels = await network.kernels(node);
        const { channels } = bundle.input;
        return renderFilters({ kernels, name: node.name, channels }, view);
      }),
    );
    sendPage(request, response, figure);
  });
  router.get('/v1/models/:name/layers/:layer/filters.npy', async (request, response) => {
    parseQuery(noQuery, request.query);
    const { name, digest } = await findModel(context.store, request.params.name);
    if (isFresh(request, response, [digest, request.params.layer, 'npy'])) return;
    await useStored(context, { name, digest }, undefined, async ({ network }) => {
      const kernels = await network.kernels(findLayer(network.graph, request.params.layer).node);
      response.type('application/octet-stream');
      await pipeline(Readable.from(encodeKernels(kernels)), response);
    });
  });
  return router;
}
