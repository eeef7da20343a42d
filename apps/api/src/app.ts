import { notFound } from '@umbra/shared';
import express, { type Express, type RequestHandler, type Router } from 'express';
import { createAuthorize } from './access/authorize.js';
import { limitRequests } from './access/rate-limit.js';
import { boardPath } from './bull-board.js';
import type { Context } from './context.js';
import { measureRequests } from './metrics.js';
import { describeApi } from './openapi/document.js';
import { mountRoutes, type Route } from './operation.js';
import { ProblemError, problemHandler } from './problems.js';
import { datasetRoutes } from './routes/datasets.js';
import { deliveryRoutes } from './routes/deliveries.js';
import { docsRoutes } from './routes/docs.js';
import { eventRoutes } from './routes/events.js';
import { explainRoutes } from './routes/explain.js';
import { healthRoutes } from './routes/health.js';
import { jobRoutes } from './routes/jobs.js';
import { layerRoutes } from './routes/layers.js';
import { modelRoutes } from './routes/models.js';
import { partialRoutes } from './routes/partial.js';
import { resultRoutes } from './routes/results.js';
import { viewRoutes } from './routes/views.js';
import { traceRequests } from './trace-requests.js';

/** The HTTP interface, without a server. */
export function createApp(context: Context): Express {
  const app = express();
  app.disable('x-powered-by');
  app.set('query parser', 'simple');
  app.set('trust proxy', context.config.UMBRA_TRUSTED_PROXIES);
  app.use(measureRequests(context.registry));
  if (context.board !== null) app.use(boardPath, context.board.handle);
  if (context.tracing.telemetry !== undefined) app.use(traceRequests(context.tracing));
  app.use((_request, response, next) => {
    response.set('X-Content-Type-Options', 'nosniff');
    next();
  });
  const routes: readonly Route[] = [
    ...healthRoutes(context),
    ...modelRoutes(context),
    ...layerRoutes(context),
    ...datasetRoutes(context),
    ...jobRoutes(context),
    ...eventRoutes(context),
    ...deliveryRoutes(context),
    ...explainRoutes(context),
    ...viewRoutes(context),
    ...partialRoutes(context),
    ...resultRoutes(context),
    ...docsRoutes(() => describeApi(routes.map(({ operation }) => operation))),
  ];
  const router = mountRoutes(routes, createAuthorize(context), limitRequests(context));
  app.use(router);
  app.use(methodNotAllowed(router));
  app.use((request) => {
    throw notFound(`No such resource: ${request.method} ${request.path}`);
  });
  app.use(problemHandler(context.logger));
  return app;
}

/** A known path under another method is 405 with what it allows, and not a missing page. */
function methodNotAllowed(router: Router): RequestHandler {
  type Layer = Router['stack'][number] & { match(path: string): boolean };
  return (request, response, next) => {
    const allowed = (router.stack as Layer[])
      .filter((layer) => layer.route !== undefined && layer.match(request.path))
      .flatMap((layer) => layer.route?.stack.map(({ method }) => method.toUpperCase()) ?? []);
    if (allowed.length === 0) return next();
    response.set('Allow', [...new Set(allowed)].join(', '));
    throw new ProblemError(
      'method_not_allowed',
      `Expected ${allowed.join(' or ')} on ${request.path}, got ${request.method}`,
    );
  };
}
