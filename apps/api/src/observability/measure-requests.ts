import type { RequestHandler } from 'express';
import { Histogram, type Registry } from 'prom-client';

/** Times every request, by the route that answered it and not by its path, which holds ids. */
export function measureRequests(registry: Registry): RequestHandler {
  const seconds = new Histogram({
    name: 'umbra_http_request_seconds',
    help: 'Time from a request to the last byte of its answer',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60],
    registers: [registry],
  });
  return (request, response, next) => {
    const end = seconds.startTimer({ method: request.method });
    response.once('close', () => {
      const route: unknown = request.route?.path;
      // 499: the client disconnected before the answer was complete.
      const status = response.writableFinished ? response.statusCode : 499;
      end({ route: typeof route === 'string' ? route : 'none', status });
    });
    next();
  };
}
