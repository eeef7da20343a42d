import { safeHeaders } from '@umbra/platform/telemetry/serve-metrics';
import { notFound } from '@umbra/shared/errors';
import express, { type Express, type RequestHandler, type Router } from 'express';
import { createAuthorize } from './auth/authorize.js';
import { limitRequests } from './auth/rate-limit.js';
import { sessionRoutes } from './auth/session-routes.js';
import { datasetRoutes } from './datasets/dataset-routes.js';
import { photoRoutes } from './datasets/photo-routes.js';
import { previewRoutes } from './datasets/preview-routes.js';
import { uploadRoutes } from './datasets/upload-routes.js';
import { explainRoutes } from './explain/explain-routes.js';
import { queueRoutes } from './fleet/queue-routes.js';
import { workerRoutes } from './fleet/worker-routes.js';
import { mountRoutes, type Route } from './http/operation.js';
import { ProblemError, problemHandler } from './http/problems.js';
import { deliveryRoutes } from './jobs/delivery-routes.js';
import { eventRoutes } from './jobs/event-routes.js';
import { geometryRoutes } from './jobs/geometry-routes.js';
import { jobRoutes } from './jobs/job-routes.js';
import { partialRoutes } from './jobs/partial-routes.js';
import { resultRoutes } from './jobs/result-routes.js';
import { viewRoutes } from './jobs/view-routes.js';
import { layerRoutes } from './models/layer-routes.js';
import { modelRoutes } from './models/model-routes.js';
import { boardPath } from './observability/bull-board.js';
import { healthRoutes } from './observability/health-routes.js';
import { measureRequests } from './observability/measure-requests.js';
import { traceRequests } from './observability/trace-requests.js';
import { docsRoutes } from './openapi/docs-routes.js';
import { describeApi } from './openapi/document.js';
import { servePage } from './page/serve-page.js';
import { differenceRoutes } from './reports/difference-routes.js';
import { reportRoutes } from './reports/report-routes.js';
import { trialRoutes } from './reports/trial-routes.js';
import { compareRoutes } from './rows/compare-routes.js';
import { rowRoutes } from './rows/row-routes.js';
import type { ApiServices } from './services.js';

/** Express application that serves every route; the caller starts the server. */
export function createApp(services: ApiServices): Express {
  const app = express();
  app.disable('x-powered-by');
  app.set('query parser', 'simple');
  app.set('trust proxy', services.config.UMBRA_TRUSTED_PROXIES);
  app.use((_request, response, next) => {
    response.set(safeHeaders);
    next();
  });
  app.use(measureRequests(services.registry));
  if (services.board !== null) app.use(boardPath, services.board.handle);
  if (services.tracing.telemetry !== undefined) app.use(traceRequests(services.tracing));
  const routes: readonly Route[] = [
    ...healthRoutes(services),
    ...sessionRoutes(services),
    ...modelRoutes(services),
    ...layerRoutes(services),
    ...workerRoutes(services),
    ...queueRoutes(services),
    ...datasetRoutes(services),
    ...uploadRoutes(services),
    ...photoRoutes(services),
    ...previewRoutes(services),
    ...jobRoutes(services),
    ...eventRoutes(services),
    ...deliveryRoutes(services),
    ...explainRoutes(services),
    ...geometryRoutes(services),
    ...viewRoutes(services),
    ...partialRoutes(services),
    ...resultRoutes(services),
    ...rowRoutes(services),
    ...compareRoutes(services),
    ...reportRoutes(services),
    ...differenceRoutes(services),
    ...trialRoutes(services),
    ...docsRoutes(() => describeApi(routes.map(({ operation }) => operation))),
  ];
  const router = mountRoutes(routes, {
    authorize: createAuthorize(services),
    limit: limitRequests(services),
    pace: {
      idleMs: services.config.UMBRA_BODY_IDLE_MS,
      minBytesPerSecond: services.config.UMBRA_BODY_MIN_BYTES_PER_SECOND,
    },
  });
  app.use(router);
  app.use(servePage());
  app.use(methodNotAllowed(router));
  app.use((request) => {
    throw notFound(`No such resource: ${request.method} ${request.path}`);
  });
  app.use(problemHandler(services.logger));
  return app;
}

/** Answers 405 with `Allow`, and not 404, where a path is known under another method. */
function methodNotAllowed(router: Router): RequestHandler {
  type Layer = Router['stack'][number] & { match(path: string): boolean };
  return (request, response, next) => {
    const methods = (router.stack as Layer[])
      .filter((layer) => layer.route !== undefined && layer.match(request.path))
      .flatMap((layer) => layer.route?.stack.map(({ method }) => method.toUpperCase()) ?? []);
    // A route's stack has its method once for each of its handlers.
    const allowed = [...new Set(methods)];
    if (allowed.length === 0) return next();
    response.set('Allow', allowed.join(', '));
    throw new ProblemError(
      'method_not_allowed',
      `Expected ${allowed.join(' or ')} on ${request.path}, got ${request.method}`,
    );
  };
}
