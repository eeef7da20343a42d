import { sessionOperations } from '../auth/session-routes.js';
import { datasetOperations } from '../datasets/dataset-routes.js';
import { photoOperations } from '../datasets/photo-routes.js';
import { previewOperations } from '../datasets/preview-routes.js';
import { uploadOperations } from '../datasets/upload-routes.js';
import { explainOperations } from '../explain/explain-routes.js';
import { queueOperations } from '../fleet/queue-routes.js';
import { workerOperations } from '../fleet/worker-routes.js';
import type { Operation } from '../http/operation.js';
import { deliveryOperations } from '../jobs/delivery-routes.js';
import { eventOperations } from '../jobs/event-routes.js';
import { geometryOperations } from '../jobs/geometry-routes.js';
import { jobOperations } from '../jobs/job-routes.js';
import { partialOperations } from '../jobs/partial-routes.js';
import { resultOperations } from '../jobs/result-routes.js';
import { viewOperations } from '../jobs/view-routes.js';
import { layerOperations } from '../models/layer-routes.js';
import { modelOperations } from '../models/model-routes.js';
import { healthOperations } from '../observability/health-routes.js';
import { differenceOperations } from '../reports/difference-routes.js';
import { reportOperations } from '../reports/report-routes.js';
import { trialOperations } from '../reports/trial-routes.js';
import { compareOperations } from '../rows/compare-routes.js';
import { rowOperations } from '../rows/row-routes.js';
import { docsOperations } from './docs-routes.js';

/**
 * Every operation of the API, without its handler. A test compares it with what is mounted.
 *
 * Groups are in the document's order, operations in that of their group.
 */
export const operations = [
  ...Object.values(datasetOperations),
  ...Object.values(uploadOperations),
  ...Object.values(photoOperations),
  ...Object.values(previewOperations),
  ...Object.values(jobOperations),
  ...Object.values(partialOperations),
  ...Object.values(eventOperations),
  ...Object.values(deliveryOperations),
  ...Object.values(explainOperations),
  ...Object.values(resultOperations),
  ...Object.values(geometryOperations),
  ...Object.values(rowOperations),
  ...Object.values(compareOperations),
  ...Object.values(reportOperations),
  ...Object.values(differenceOperations),
  ...Object.values(trialOperations),
  ...Object.values(viewOperations),
  ...Object.values(modelOperations),
  ...Object.values(workerOperations),
  ...Object.values(queueOperations),
  ...Object.values(layerOperations),
  ...Object.values(sessionOperations),
  ...Object.values(healthOperations),
  ...Object.values(docsOperations),
] as unknown as readonly Operation[];
