// A Redis server for tests and for the demo: found or installed, started on loopback, stopped.
import { mkdirSync } from 'node:fs';
import { connect } from 'node:net';
import { aptInstall, canAptInstall } from './apt.mjs';
import { CommandError, findOnPath, freePort, isExecutable } from './run.mjs';
import { startProcess, waitUntilReady } from './server.mjs';

const SERVER_NAMES = ['redis-server', 'valkey-server'];

const HOW_TO_INSTALL = `no Redis server was found. Install one:
  macOS          brew install redis
  Fedora         sudo dnf install valkey
  Debian/Ubuntu  sudo apt-get install redis-server
or set UMBRA_REDIS_SERVER to the path of a server binary,
or set REDIS_URL to the address of a running server (the tests: TEST_REDIS_URL).`;

/**
 * @typedef {object} Finder access to the machine; tests pass their own
 * @property {Record<string, string | undefined>} env
 * @property {(name: string) => string | undefined} find
 * @property {() => boolean} canInstall whether this process can install the system's packages
 * @property {() => Promise<void>} install
 */

/** @type {Finder} */
const thisMachine = {
  env: process.env,
  find: findOnPath,
  canInstall: canAptInstall,
  install: () => aptInstall('redis-server'),
};

/**
 * Returns the path of a Redis server binary. Installs one where that needs no prompt: as root on Debian or Ubuntu, which
 * in practice means in a container.
 *
 * @param {Finder} [machine]
 * @returns {Promise<string>}
 */
export async function ensureRedisServer(machine = thisMachine) {
  const named = machine.env.UMBRA_REDIS_SERVER;
  if (named) {
    if (isExecutable(named)) return named;
    throw new CommandError(`UMBRA_REDIS_SERVER is ${named}, which is not an executable file`, 1);
  }
  const found = firstFound(machine);
  if (found) return found;
  if (!machine.canInstall()) throw new CommandError(HOW_TO_INSTALL, 1);
  try {
    await machine.install();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new CommandError(`${HOW_TO_INSTALL}\nInstalling it here failed: ${why}`, 1);
  }
  const installed = firstFound(machine);
  if (!installed) throw new CommandError(HOW_TO_INSTALL, 1);
  return installed;
}

/**
 * @param {Finder} machine
 * @returns {string | undefined}
 */
function firstFound(machine) {
  for (const name of SERVER_NAMES) {
    const path = machine.find(name);
    if (path) return path;
  }
  return undefined;
}

/**
 * @typedef {object} RedisServer
 * @property {string} url
 * @property {number} port
 * @property {number | undefined} pid
 * @property {(signal: NodeJS.Signals) => void} kill sends the signal, if it runs
 * @property {() => Promise<void>} stop
 */

/**
 * Starts a Redis server that only this machine can reach, and waits until it answers.
 *
 * @param {object} options
 * @param {string} options.dir folder for its files; created if it is missing
 * @param {number} [options.port] a free one by default
 * @param {boolean} [options.appendonly] keep the data across restarts
 * @param {string} [options.server] the binary; found or installed by default
 * @returns {Promise<RedisServer>}
 */
export async function startRedis({ dir, port, appendonly = false, server }) {
  const binary = server ?? (await ensureRedisServer());
  const chosen = port ?? (await freePort());
  mkdirSync(dir, { recursive: true });
  const child = startProcess(binary, [
    ...['--bind', '127.0.0.1'],
    ...['--port', String(chosen)],
    ...['--dir', dir],
    // BullMQ keeps its state in plain keys: with any other policy a full memory loses jobs.
    ...['--maxmemory-policy', 'noeviction'],
    ...['--save', ''],
    ...['--appendonly', appendonly ? 'yes' : 'no'],
    ...['--daemonize', 'no'],
  ]);
  await waitUntilReady(child, 'the Redis server', async () => {
    // Another server on that port answers too, while ours has not yet failed to bind it.
    const isOurs = (await sendCommand(chosen, 'INFO server')).includes(
      `process_id:${child.pid}\r\n`,
    );
    return isOurs && answersPing(chosen);
  });
  const { pid, kill, stop } = child;
  return { url: `redis://127.0.0.1:${chosen}`, port: chosen, pid, kill, stop };
}

/**
 * @param {number} port
 * @param {string} [host]
 * @returns {Promise<boolean>}
 */
export async function answersPing(port, host = '127.0.0.1') {
  // A server that is still loading its data answers with an error instead.
  return (await sendCommand(port, 'PING', host)).startsWith('+PONG');
}

/**
 * Sends a command over a plain socket: client libraries may not be installed yet.
 *
 * @param {number} port
 * @param {string} command
 * @param {string} [host]
 * @returns {Promise<string>} the raw reply; empty if there is none
 */
function sendCommand(port, command, host = '127.0.0.1') {
  return new Promise((done) => {
    const socket = connect({ port, host });
    let reply = '';
    socket.setTimeout(1000, () => socket.destroy());
    socket.on('data', (chunk) => {
      reply += chunk.toString();
    });
    socket.on('error', () => {});
    socket.on('close', () => done(reply));
    // After QUIT the server sends all replies and closes the connection.
    socket.on('connect', () => socket.write(`${command}\r\nQUIT\r\n`));
  });
}
