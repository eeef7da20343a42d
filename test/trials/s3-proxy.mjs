// A proxy in front of a real S3 server that slows, fails or cuts requests.
import http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

/** @typedef {'pass' | 'slow' | 'errors' | 'resets' | 'down'} S3Mode */

/**
 * @typedef {object} S3Proxy
 * @property {string} endpoint
 * @property {(mode: S3Mode, share?: number) => void} set `share` of the requests that the mode takes, 0 to 1
 * @property {() => number} harmed how many requests a mode took
 * @property {() => Promise<void>} stop
 */

const slowMs = 1_500;

/**
 * @param {string} target endpoint of the real server
 * @param {() => number} draw a number in [0, 1) for each request
 * @returns {Promise<S3Proxy>}
 */
export async function startS3Proxy(target, draw) {
  /** @type {S3Mode} */
  let mode = 'pass';
  let share = 1;
  let harmed = 0;
  const agent = new http.Agent({ keepAlive: true });
  const server = http.createServer(async (request, response) => {
    const isTaken = mode !== 'pass' && draw() < share;
    if (isTaken) harmed += 1;
    if (isTaken && mode === 'errors') return fail(request, response);
    if (isTaken && mode === 'down') return request.socket.destroy();
    if (isTaken && mode === 'slow') await sleep(slowMs);
    forward(request, response, { target, agent, cuts: isTaken && mode === 'resets' });
  });
  server.keepAliveTimeout = 60_000;
  await new Promise((done) => server.listen(0, '127.0.0.1', () => done(undefined)));
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  return {
    endpoint: `http://127.0.0.1:${port}`,
    set(next, part = 1) {
      mode = next;
      share = part;
      if (next === 'down') server.closeAllConnections();
    },
    harmed: () => harmed,
    async stop() {
      agent.destroy();
      server.closeAllConnections();
      await new Promise((done) => server.close(() => done(undefined)));
    },
  };
}

/**
 * @param {http.IncomingMessage} request
 * @param {http.ServerResponse} response
 */
function fail(request, response) {
  request.resume();
  response.writeHead(500, { 'content-type': 'application/xml' });
  response.end('<Error><Code>InternalError</Code><Message>On trial</Message></Error>');
}

/**
 * The signature covers the Host header: it passes unchanged.
 *
 * @param {http.IncomingMessage} request
 * @param {http.ServerResponse} response
 * @param {{ target: string, agent: http.Agent, cuts: boolean }} options `cuts`: break the answer off after its first bytes
 */
function forward(request, response, { target, agent, cuts }) {
  const { hostname, port } = new URL(target);
  const { method, url: path, headers } = request;
  const upstream = http.request(
    { hostname, port, method, path, headers, agent, setHost: false },
    (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      if (!cuts) return void answer.pipe(response);
      answer.once('data', (chunk) => {
        response.write(chunk.subarray(0, Math.ceil(chunk.length / 2)));
        request.socket.resetAndDestroy();
      });
      answer.once('end', () => request.socket.resetAndDestroy());
    },
  );
  upstream.on('error', () => request.socket.destroy());
  response.on('close', () => upstream.destroy());
  request.pipe(upstream);
}
