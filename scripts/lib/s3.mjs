// An S3-compatible server for the tests: a given one, a real gateway, or an emulator. This module only starts servers;
// its caller creates the bucket.
import { randomBytes } from 'node:crypto';
import { mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { findOnPath, freePort, isExecutable, repoRoot, run, step } from './run.mjs';
import { startProcess, waitUntilReady } from './server.mjs';

// The build needs Go 1.25 or newer; an older Go downloads such a toolchain itself if that is allowed.
const VERSITYGW_VERSION = 'v1.8.0';
const REGION = 'us-east-1';
const BUCKET = 'umbra-test';

/**
 * @typedef {object} S3Server
 * @property {string} endpoint
 * @property {string} accessKeyId
 * @property {string} secretAccessKey
 * @property {string} region
 * @property {string} bucket the bucket to use, which may not exist yet
 * @property {'given' | 'versitygw' | 'emulator'} kind
 * @property {() => Promise<void>} stop
 */

/**
 * @param {object} options
 * @param {string} options.dir folder for the objects of a started server
 * @returns {Promise<S3Server | null>} null if no server is available
 */
export async function startS3Server({ dir }) {
  const given = givenServer(process.env);
  if (given) return given;
  const binary = await findVersitygw();
  if (binary) return startVersitygw(binary, dir);
  return startEmulator();
}

/**
 * @param {Record<string, string | undefined>} env
 * @returns {S3Server | undefined}
 */
export function givenServer(env) {
  const endpoint = env.S3_TEST_ENDPOINT;
  if (!endpoint) return undefined;
  /** @param {string} name */
  const required = (name) => {
    const value = env[name];
    if (!value) throw new Error(`S3_TEST_ENDPOINT is set, so ${name} must be set too`);
    return value;
  };
  return {
    endpoint,
    accessKeyId: required('S3_TEST_ACCESS_KEY_ID'),
    secretAccessKey: required('S3_TEST_SECRET_ACCESS_KEY'),
    region: env.S3_TEST_REGION || REGION,
    bucket: env.S3_TEST_BUCKET || BUCKET,
    kind: 'given',
    stop: async () => {},
  };
}

/** @returns {Promise<string | undefined>} */
async function findVersitygw() {
  const named = process.env.UMBRA_VERSITYGW;
  if (named) {
    if (isExecutable(named)) return named;
    throw new Error(`UMBRA_VERSITYGW is ${named}, which is not an executable file`);
  }
  const onPath = findOnPath('versitygw');
  if (onPath) return onPath;
  const cache = join(repoRoot, '.cache', 'bin');
  const cached = join(cache, `versitygw-${VERSITYGW_VERSION}`);
  if (isExecutable(cached)) return cached;
  const go = findOnPath('go');
  if (!go) return undefined;
  step(`building versitygw ${VERSITYGW_VERSION} with Go, once (a minute or two)`);
  mkdirSync(cache, { recursive: true });
  try {
    await run(go, ['install', `github.com/versity/versitygw/cmd/versitygw@${VERSITYGW_VERSION}`], {
      env: { GOBIN: cache },
      quiet: true,
    });
  } catch (error) {
    step(`versitygw could not be built: ${error instanceof Error ? error.message : error}`);
    return undefined;
  }
  renameSync(join(cache, 'versitygw'), cached);
  return cached;
}

/**
 * @param {string} binary
 * @param {string} dir
 * @returns {Promise<S3Server>}
 */
async function startVersitygw(binary, dir) {
  const data = join(dir, 'objects');
  const sidecar = join(dir, 'sidecar');
  mkdirSync(data, { recursive: true });
  const accessKeyId = `umbra${randomBytes(6).toString('hex')}`;
  const secretAccessKey = randomBytes(24).toString('hex');

  /** @param {readonly string[]} backend */
  const start = async (backend) => {
    const port = await freePort();
    const endpoint = `http://127.0.0.1:${port}`;
    // A random path, at which no other server answers if the port was taken in the meantime.
    const health = `/${randomBytes(8).toString('hex')}`;
    const child = startProcess(
      binary,
      [
        '--quiet',
        '--port',
        `127.0.0.1:${port}`,
        '--region',
        REGION,
        '--health',
        health,
        ...backend,
      ],
      // In the environment and not as arguments, which every user of the machine can list.
      { env: { ROOT_ACCESS_KEY_ID: accessKeyId, ROOT_SECRET_ACCESS_KEY: secretAccessKey } },
    );
    await waitUntilReady(child, 'versitygw', () => answersOk(`${endpoint}${health}`));
    return { endpoint, stop: child.stop };
  };

  /** @type {{ endpoint: string, stop: () => Promise<void> }} */
  let server;
  try {
    server = await start(['posix', data]);
  } catch (error) {
    // versitygw stores an object's metadata in extended attributes, and fails if the file system has none. Plain files
    // beside the objects work as well.
    if (!(error instanceof Error && error.message.includes('xattr'))) throw error;
    mkdirSync(sidecar, { recursive: true });
    server = await start(['posix', '--sidecar', sidecar, data]);
  }
  return {
    ...server,
    accessKeyId,
    secretAccessKey,
    region: REGION,
    bucket: BUCKET,
    kind: 'versitygw',
  };
}

/**
 * @param {string} url
 * @returns {Promise<boolean>}
 */
async function answersOk(url) {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(1000) });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false;
  }
}

/**
 * Starts the emulator, if no other server is available. It checks no signatures and supports few conditions, so tests
 * that pass on it prove less than tests that pass on a real server.
 *
 * @returns {Promise<S3Server | null>}
 */
async function startEmulator() {
  /** @type {typeof import('fauxqs')} */
  let emulator;
  try {
    emulator = await import('fauxqs');
  } catch {
    return null;
  }
  step('no versitygw and no Go to build it: using the fauxqs emulator in place of an S3 server');
  // Not its own startFauxqs(), which listens on every interface.
  const app = emulator.buildApp({ logger: false, host: '127.0.0.1', defaultRegion: REGION });
  const endpoint = await app.listen({ host: '127.0.0.1', port: 0 });
  return {
    endpoint,
    accessKeyId: 'emulator',
    secretAccessKey: 'emulator',
    region: REGION,
    bucket: BUCKET,
    kind: 'emulator',
    stop: async () => {
      await app.close();
    },
  };
}
