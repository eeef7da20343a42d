import type { SpanAttributes, Tracing } from '@umbra/platform/telemetry/tracing';
import type { RequestHandler } from 'express';

/** Traces every request: one span, from its headers to the last byte of its answer. */
export function traceRequests(tracing: Tracing): RequestHandler {
  return (request, response, next) => {
    const span = tracing.startRequest(request.method, request.headers);
    response.once('close', () => {
      const route: unknown = request.route?.path;
      // Without a route the path is left out: it may contain anything.
      const name = typeof route === 'string' ? route : 'none';
      const attributes: Record<string, string | number> = {
        'http.request.method': request.method,
        'http.route': name,
        'http.response.status_code': response.statusCode,
        ...idsOf(request.params, response.get('Location')),
      };
      const { tenant } = response.locals;
      if (typeof tenant === 'string') attributes['umbra.tenant'] = tenant;
      span.end(`${request.method} ${name}`, attributes, response.statusCode >= 500);
    });
    span.run(() => next());
  };
}

/** Pick the ids out of a request: a path's other parts are users' text. */
function idsOf(params: unknown, location: string | undefined): SpanAttributes {
  const { job, image } = (params ?? {}) as { job?: unknown; image?: unknown };
  const created = location === undefined ? undefined : /^\/v1\/jobs\/([\w-]+)$/.exec(location)?.[1];
  const jobId = typeof job === 'string' ? job : created;
  return {
    ...(jobId !== undefined && { 'umbra.job': jobId }),
    ...(typeof image === 'string' && { 'umbra.image': image }),
  };
}
