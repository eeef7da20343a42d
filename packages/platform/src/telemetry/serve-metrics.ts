import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { umbraVersion } from '@umbra/shared/version';
import { collectDefaultMetrics, Gauge, type Registry } from 'prom-client';
import type { Logger } from './logger.js';
import type { MetricsConfig } from './metrics-config.js';

export type MetricsServer = { readonly url: string; close(): Promise<void> };

export type ServeMetricsOptions = {
  readonly config: Readonly<MetricsConfig>;
  readonly registry: Registry;
  readonly logger: Logger;
  /** Brings gauges up to date before they are read; must not throw. */
  readonly refresh: () => Promise<void>;
};

/**
 * Serve `/metrics` and `/healthz` on a port of their own, which no user reaches.
 *
 * @returns undefined where no port is set.
 */
export async function serveMetrics(
  options: ServeMetricsOptions,
): Promise<MetricsServer | undefined> {
  const { config, registry, logger } = options;
  if (config.UMBRA_METRICS_PORT === undefined) return undefined;
  collectDefaultMetrics({ register: registry });
  new Gauge({
    name: 'umbra_build_info',
    help: '1, with the version that runs',
    labelNames: ['version'],
    registers: [registry],
  }).set({ version: umbraVersion }, 1);
  const server = createServer(listener(options));
  server.listen(config.UMBRA_METRICS_PORT, config.UMBRA_METRICS_HOST);
  await once(server, 'listening');
  const { address, port, family } = server.address() as AddressInfo;
  const url = `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
  logger.info({ url }, 'metrics ready');
  return {
    url,
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

/** Headers of every answer: browsers guess no types, and tell no other site where a link was. */
export const safeHeaders = {
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
} as const;

function listener({ registry, refresh, logger }: ServeMetricsOptions): RequestListener {
  return async (request, response) => {
    for (const [name, value] of Object.entries(safeHeaders)) response.setHeader(name, value);
    try {
      const path = request.url?.split('?')[0];
      if (path === '/healthz') {
        response.end('ok\n');
      } else if (path === '/metrics') {
        await refresh();
        response.setHeader('Content-Type', registry.contentType);
        response.end(await registry.metrics());
      } else {
        response.writeHead(404).end();
      }
    } catch (error) {
      logger.warn({ reason: String(error) }, 'metrics could not be read');
      response.writeHead(500).end();
    }
  };
}
