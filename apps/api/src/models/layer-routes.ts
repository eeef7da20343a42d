import { Readable } from 'node:stream';
import { encodeKernels, findLayer, listLayers, renderFilters } from '@umbra/engine';
import { findModel } from '@umbra/platform/store/models';
import { at } from '@umbra/shared/assert';
import { filterView, type LayerList, layerList } from '@umbra/shared/contracts/layer';
import type { Size } from '@umbra/shared/occlusion/grid';
import { z } from 'zod';
import { forCaller } from '../http/for-caller.js';
import { answerNotModified } from '../http/not-modified.js';
import { operation, type Route, route } from '../http/operation.js';
import { layerParams, modelParam } from '../http/params.js';
import { pictureAnswers, sendPage } from '../http/pictures.js';
import { sendBody } from '../http/send-object.js';
import type { ApiServices } from '../services.js';
import { useStoredNetwork } from './use-stored-network.js';

const layersQuery = z.strictObject({
  /** Extent of the input, HEIGHTxWIDTH px; the model's own when left out. */
  size: z
    .string()
    .regex(/^[1-9]\d{0,3}x[1-9]\d{0,3}$/, 'Expected HEIGHTxWIDTH')
    .transform((text): Size => {
      const extent = text.split('x').map(Number);
      return { height: at(extent, 0), width: at(extent, 1) };
    })
    .optional(),
});

export const layerOperations = {
  list: operation({
    id: 'listLayers',
    method: 'get',
    path: '/v1/models/{model}/layers',
    tag: 'models',
    scope: 'read',
    summary: "List a model's layers: shape, kernel, parameters, receptive field",
    params: modelParam,
    query: layersQuery,
    answers: {
      200: { description: 'Every layer', content: { 'application/json': layerList } },
      304: pictureAnswers[304],
    },
  }),
  filters: operation({
    id: 'getFilters',
    method: 'get',
    path: '/v1/models/{model}/layers/{layer}/filters.png',
    tag: 'models',
    scope: 'read',
    summary: "Draw a convolution's filters; pages are linked",
    params: layerParams,
    query: filterView,
    answers: pictureAnswers,
  }),
  filterArray: operation({
    id: 'getFilterArray',
    method: 'get',
    path: '/v1/models/{model}/layers/{layer}/filters.npy',
    tag: 'models',
    scope: 'read',
    summary: "Download a convolution's filters as an array",
    params: layerParams,
    answers: {
      200: {
        description: 'An NPY file, float32',
        content: { 'application/octet-stream': 'bytes' },
      },
      304: pictureAnswers[304],
    },
  }),
};

/** Routes of a model's layers and filters. */
export function layerRoutes(
  services: Pick<ApiServices, 'store' | 'config' | 'turns' | 'modelFolders'>,
): Route[] {
  const { drawings } = services.turns;
  return [
    route(layerOperations.list, async (call) => {
      const { request, response, tenant, params, query, signal } = call;
      const { size } = query;
      const reading = forCaller(services, call);
      const { name, digest } = await findModel(reading.store, { tenant, name: params.model });
      if (answerNotModified(request, response, [digest, 'layers', size])) return;
      const list = await drawings.run(call, () =>
        useStoredNetwork(
          services,
          { tenant, name, digest },
          { size, signal },
          async ({ network }) => ({
            model: name,
            digest,
            input: network.size,
            layers: [...listLayers(network.graph)],
          }),
        ),
      );
      response.json(list satisfies LayerList);
    }),
    route(layerOperations.filters, async (call) => {
      const { request, response, tenant, params, query: view, signal } = call;
      const reading = forCaller(services, call);
      const { name, digest } = await findModel(reading.store, { tenant, name: params.model });
      if (answerNotModified(request, response, [digest, params.layer, view])) return;
      const figure = await drawings.run(call, () =>
        useStoredNetwork(
          services,
          { tenant, name, digest },
          { signal },
          async ({ bundle, network }) => {
            const { node } = findLayer(network.graph, params.layer);
            const kernels = await network.kernels(node);
            const { channels } = bundle.input;
            return renderFilters({ kernels, name: node.name, channels }, view);
          },
        ),
      );
      sendPage(request, response, figure);
    }),
    route(layerOperations.filterArray, async (call) => {
      const { request, response, tenant, params, signal } = call;
      const reading = forCaller(services, call);
      const { name, digest } = await findModel(reading.store, { tenant, name: params.model });
      if (answerNotModified(request, response, [digest, params.layer, 'npy'])) return;
      await services.turns.downloads.run(call, () =>
        useStoredNetwork(services, { tenant, name, digest }, { signal }, async ({ network }) => {
          const kernels = await network.kernels(findLayer(network.graph, params.layer).node);
          response.type('application/octet-stream');
          await sendBody(services.config, Readable.from(encodeKernels(kernels)), call);
        }),
      );
    }),
  ];
}
