import { AppError, notFound } from '@umbra/shared';
import express, { type Express, type RequestHandler, type Router } from 'express';
import type { Context } from './context.js';
import { measureRequests } from './metrics.js';
import { ProblemError, problemHandler } from './problems.js';
import { datasetRoutes } from './routes/datasets.js';
import { healthRoutes } from './routes/health.js';
import { jobRoutes } from './routes/jobs.js';
import { layerRoutes } from './routes/layers.js';
import { modelRoutes } from './routes/models.js';
import { resultRoutes } from './routes/results.js';
import { viewRoutes } from './routes/views.js';

/** The HTTP interface, without a server. */
export function createApp(context: Context): Express {
  const app = express();
  app.disable('x-powered-by');
  app.set('query parser', 'simple');
  app.use(measureRequests(context.registry));
  app.use((_request, response, next) => {
    response.set('X-Content-Type-Options', 'nosniff');
    next();
  });
  const routers: readonly Router[] = [
    healthRoutes(context),
    modelRoutes(context),
    layerRoutes(context),
    datasetRoutes(context),
    jobRoutes(context),
    viewRoutes(context),
    resultRoutes(context),
  ];
  for (const router of routers) app.use(router);
  app.use(methodNotAllowed(routers));
  app.use((request) => {
    throw notFound(`No such resource: ${request.method} ${request.path}`);
  });
  app.use(problemHandler(context.logger));
  return app;
}

/** A known path under another method is 405 with what it allows, and not a missing page. */
function methodNotAllowed(routers: readonly Router[]): RequestHandler {
  type Layer = Router['stack'][number] & { match(path: string): boolean };
  return (request, response, next) => {
    const allowed = routers
      .flatMap((router) => router.stack as Layer[])
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

/** @throws {AppError} `unsupported_media_type` */
export function requireJson(): RequestHandler[] {
  return [
    (request, _response, next) => {
      if (!request.is('application/json')) {
        throw new AppError(
          'unsupported_media_type',
          `Expected Content-Type application/json, got ${request.get('content-type') ?? 'none'}`,
        );
      }
      next();
    },
    express.json({ limit: '100kb' }),
  ];
}
