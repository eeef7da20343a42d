import type { Operation } from './operation.js';
import { datasetOperations } from './routes/datasets.js';
import { deliveryOperations } from './routes/deliveries.js';
import { docsOperations } from './routes/docs.js';
import { eventOperations } from './routes/events.js';
import { explainOperations } from './routes/explain.js';
import { healthOperations } from './routes/health.js';
import { jobOperations } from './routes/jobs.js';
import { layerOperations } from './routes/layers.js';
import { modelOperations } from './routes/models.js';
import { partialOperations } from './routes/partial.js';
import { resultOperations } from './routes/results.js';
import { viewOperations } from './routes/views.js';

/**
 * All that the API does, without anything that does it. A test holds it to what is mounted.
 *
 * Groups come in the order of the document's reader, operations in that of their group.
 */
export const operations = [
  ...Object.values(datasetOperations),
  ...Object.values(jobOperations),
  ...Object.values(partialOperations),
  ...Object.values(eventOperations),
  ...Object.values(deliveryOperations),
  ...Object.values(explainOperations),
  ...Object.values(resultOperations),
  ...Object.values(viewOperations),
  ...Object.values(modelOperations),
  ...Object.values(layerOperations),
  ...Object.values(healthOperations),
  ...Object.values(docsOperations),
] as unknown as readonly Operation[];
