// A Prometheus that scrapes one service on this machine.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from './run.mjs';
import { startProcess, waitUntilReady } from './server.mjs';

/**
 * @param {object} options
 * @param {string} options.binary
 * @param {string} options.dir folder for its data
 * @param {string} options.metricsPort of the service, on loopback
 */
export async function startPrometheus({ binary, dir, metricsPort }) {
  const url = `http://127.0.0.1:${await freePort()}`;
  const config = join(dir, 'prometheus.yml');
  writeFileSync(
    config,
    `global: { scrape_interval: 500ms }
scrape_configs:
  - { job_name: umbra, static_configs: [{ targets: ["127.0.0.1:${metricsPort}"] }] }
`,
  );
  const server = startProcess(binary, [
    `--config.file=${config}`,
    `--storage.tsdb.path=${join(dir, 'prometheus')}`,
    `--web.listen-address=${new URL(url).host}`,
  ]);
  const isReady = async () => {
    try {
      return (await fetch(`${url}/-/ready`)).ok;
    } catch {
      return false;
    }
  };
  await waitUntilReady(server, 'Prometheus', isReady, 20_000);
  return {
    stop: server.stop,
    /**
     * @param {string} query
     * @returns {Promise<number>} the first value of the result; NaN for an empty result
     */
    async query(query) {
      const response = await fetch(`${url}/api/v1/query?query=${encodeURIComponent(query)}`);
      const { data } = /** @type {{ data: { result: { value: [number, string] }[] } }} */ (
        await response.json()
      );
      return Number(data.result[0]?.value[1] ?? Number.NaN);
    },
  };
}
