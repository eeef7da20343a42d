// A separate host on this machine: a Linux network namespace behind one link, which can be taken down.
import { spawnSync } from 'node:child_process';
import { connect, createServer } from 'node:net';
import { findOnPath } from '../../scripts/lib/run.mjs';

/** A network of two addresses, from the range reserved for benchmarks of networks. */
const ours = '198.18.77.1';
const theirs = '198.18.77.2';

/** @returns {string | null} why this machine cannot make a namespace; null if it can */
export function whyNoNamespace() {
  if (process.platform !== 'linux') return 'network namespaces are Linux only';
  if (process.getuid?.() !== 0) return 'network namespaces need root';
  if (findOnPath('ip') === undefined) return 'the program ip (iproute2) was not found';
  const probe = `umbra-probe-${process.pid}`;
  const made = spawnSync('ip', ['netns', 'add', probe], { encoding: 'utf8' });
  if (made.status !== 0) return `ip netns add: ${made.stderr.trim()}`;
  spawnSync('ip', ['netns', 'del', probe]);
  return null;
}

/**
 * @typedef {object} FarHost
 * @property {readonly string[]} within prefix of a command that runs there
 * @property {(port: number) => Promise<string>} reach makes a port of our loopback reachable from there, and returns
 *   the address, HOST:PORT
 * @property {() => void} cut takes the link down without closing connections
 * @property {() => void} mend brings the link up again
 * @property {() => Promise<void>} stop
 */

/** @returns {Promise<FarHost>} */
export async function makeFarHost() {
  const name = `umbra-far-${process.pid}`;
  const near = `umb${process.pid % 1_000_000}a`;
  const far = `umb${process.pid % 1_000_000}b`;
  /** Runs at the end of this process, however it ends. Deleting the namespace deletes the link too. */
  const remove = () => void spawnSync('ip', ['netns', 'del', name]);
  ip('netns', 'add', name);
  process.on('exit', remove);
  ip('link', 'add', near, 'type', 'veth', 'peer', 'name', far, 'netns', name);
  ip('addr', 'add', `${ours}/30`, 'dev', near);
  ip('link', 'set', near, 'up');
  ip('-n', name, 'addr', 'add', `${theirs}/30`, 'dev', far);
  ip('-n', name, 'link', 'set', far, 'up');
  ip('-n', name, 'link', 'set', 'lo', 'up');
  /** @type {Relay[]} */
  const relays = [];
  return {
    within: ['ip', 'netns', 'exec', name],
    async reach(port) {
      const relay = await startRelay(port);
      relays.push(relay);
      return relay.address;
    },
    cut: () => ip('link', 'set', near, 'down'),
    mend: () => ip('link', 'set', near, 'up'),
    async stop() {
      await Promise.all(relays.map((relay) => relay.stop()));
      remove();
      process.off('exit', remove);
    },
  };
}

/** @param {readonly string[]} args */
function ip(...args) {
  const { status, stderr } = spawnSync('ip', args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`ip ${args.join(' ')}: ${stderr.trim()}`);
}

/** @typedef {{ address: string, stop: () => Promise<void> }} Relay */

/**
 * Starts a relay to a port on loopback: the servers of a test listen only on loopback, which no other host reaches.
 *
 * @param {number} port
 * @returns {Promise<Relay>}
 */
async function startRelay(port) {
  /** @type {Set<import('node:net').Socket>} */
  const sockets = new Set();
  const server = createServer((outside) => {
    const inside = connect({ port, host: '127.0.0.1' });
    for (const [one, other] of /** @type {const} */ ([
      [outside, inside],
      [inside, outside],
    ])) {
      sockets.add(one);
      one.pipe(other);
      one.on('error', () => other.destroy());
      one.on('close', () => {
        sockets.delete(one);
        other.destroy();
      });
    }
  });
  await new Promise((done, fail) => {
    server.on('error', fail);
    server.listen(0, ours, () => done(undefined));
  });
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('Expected an address');
  return {
    address: `${ours}:${address.port}`,
    async stop() {
      const closed = new Promise((done) => server.close(done));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
