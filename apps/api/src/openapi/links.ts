import type { Operation } from '../http/operation.js';
import type { JsonSchema } from './json-schema.js';

/** Where an answer or its request has the value of a path parameter. */
type Source = `$response.body#/${string}` | `$request.path.${string}`;

/** By operation and status: the parameters for which an answer has a value. */
const sources: Readonly<
  Record<string, Readonly<Record<number, Readonly<Record<string, Source>>>>>
> = {
  createDataset: { 201: { dataset: '$response.body#/id' }, 202: { dataset: '$response.body#/id' } },
  beginArchive: {
    201: { dataset: '$request.path.dataset', archive: '$response.body#/id' },
  },
  createJob: { 202: { job: '$response.body#/id' } },
  createTrial: { 202: { job: '$request.path.job', trial: '$response.body#/id' } },
  listTrials: { 200: { job: '$request.path.job', trial: '$response.body#/data/0/id' } },
  explainImage: { 200: { job: '$response.body#/job', image: '$response.body#/result/image/id' } },
  listImages: { 200: { job: '$request.path.job', image: '$response.body#/data/0/id' } },
  listModels: { 200: { model: '$response.body#/data/0/name' } },
  listLayers: { 200: { model: '$request.path.model', layer: '$response.body#/layers/0/name' } },
};

/**
 * Link an answer to every operation whose path its values complete.
 *
 * @returns The answer's `links`; empty where nothing follows from it.
 */
export function linksOf(
  { id }: Operation,
  status: number,
  operations: readonly Operation[],
): Readonly<Record<string, JsonSchema>> {
  const given = sources[id]?.[status];
  if (given === undefined) return {};
  const own = Object.entries(given).filter(([, source]) => source.startsWith('$response'));
  return Object.fromEntries(
    operations
      .map((operation) => ({ operation, names: Object.keys(operation.params ?? {}) }))
      .filter(({ names }) => own.some(([name]) => names.includes(name)))
      .filter(({ names }) => names.every((name) => name in given))
      .map(({ operation, names }) => [
        operation.id,
        {
          operationId: operation.id,
          parameters: Object.fromEntries(names.map((name) => [name, given[name]])),
        },
      ]),
  );
}
