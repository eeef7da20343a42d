import { once } from 'node:events';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Fault = 'none' | 'error' | 'reset' | 'stall';
export type FaultyProxy = {
  readonly port: number;
  /**
   * Have every request from now on answered by 500, cut off, or never answered; `none` passes them on.
   *
   * @param at Part of the paths that meet it; all of them unless given.
   */
  set(fault: Fault, at?: string): void;
  /** Requests that met a fault. */
  faults(): number;
  /** Requests that wait for an answer that never comes. */
  stalled(): number;
  close(): Promise<void>;
};

/**
 * A proxy before an S3 server, with faults on demand. Requests keep their signed `Host`: the server takes
 * it as it is.
 */
export async function startFaultyProxy(endpoint: string): Promise<FaultyProxy> {
  const { hostname, port } = new URL(endpoint);
  let fault: Fault = 'none';
  let faults = 0;
  let faultyPath = '';
  let stalled = 0;
  const server = createServer((incoming, outgoing) => {
    const meets = incoming.url?.includes(faultyPath) === true ? fault : 'none';
    if (meets !== 'none') faults += 1;
    if (meets === 'stall') {
      stalled += 1;
      return void outgoing.once('close', () => (stalled -= 1));
    }
    if (meets === 'reset') return void incoming.socket.resetAndDestroy();
    if (meets === 'error') {
      incoming.resume();
      return void outgoing.writeHead(500).end('<html>no S3 error</html>');
    }
    const { method, url: path, headers } = incoming;
    const passed = request({ hostname, port, method, path, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(outgoing);
    });
    passed.on('error', () => outgoing.destroy());
    incoming.pipe(passed);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    set(next, at = '') {
      fault = next;
      faultyPath = at;
    },
    faults: () => faults,
    stalled: () => stalled,
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}
