import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { answersPing, ensureRedisServer, startRedis } from '../../scripts/lib/redis.mjs';

let dir: string;
const stops: (() => Promise<void>)[] = [];

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'umbra-redis-'));
});

afterEach(async () => {
  await Promise.all(stops.splice(0).map((stop) => stop()));
  await rm(dir, { recursive: true, force: true });
});

async function start(options: { appendonly?: boolean; port?: number } = {}) {
  const redis = await startRedis({ dir, ...options });
  stops.push(redis.stop);
  return redis;
}

/** Sends inline commands, and QUIT so that the server closes the connection after the last reply. */
function send(port: number, ...commands: string[]): Promise<string> {
  return new Promise((done, fail) => {
    const socket = connect({ port, host: '127.0.0.1' });
    let reply = '';
    socket.on('data', (chunk) => {
      reply += chunk.toString();
    });
    socket.on('error', fail);
    socket.on('close', () => done(reply));
    socket.write(`${[...commands, 'QUIT'].join('\r\n')}\r\n`);
  });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe('startRedis', () => {
  it('returns an address that answers PING', async () => {
    const { url, port } = await start();
    expect(url).toBe(`redis://127.0.0.1:${port}`);
    expect(await send(port, 'PING')).toContain('+PONG');
  });

  it('never evicts, and writes no snapshots', async () => {
    const { port } = await start();
    expect(await send(port, 'CONFIG GET maxmemory-policy')).toContain('noeviction');
    expect(await send(port, 'CONFIG GET save')).toMatch(/\$4\r\nsave\r\n\$0\r\n/);
    expect(await send(port, 'CONFIG GET appendonly')).toMatch(/\r\nno\r\n/);
  });

  it('listens on loopback only', async () => {
    const { port } = await start();
    expect(await send(port, 'CONFIG GET bind')).toMatch(/\$9\r\n127\.0\.0\.1\r\n/);
    const others = Object.values(networkInterfaces())
      .flatMap((addresses) => addresses ?? [])
      .filter((address) => !address.internal && address.family === 'IPv4');
    for (const { address } of others) expect(await answersPing(port, address)).toBe(false);
  });

  it('ends the process on stop(), which may be called twice', async () => {
    const { port, pid, stop } = await start();
    if (pid === undefined) throw new Error('no process');
    expect(isAlive(pid)).toBe(true);
    await stop();
    expect(isAlive(pid)).toBe(false);
    expect(await answersPing(port)).toBe(false);
    await stop();
  });

  it('keeps its data across a restart with appendonly', async () => {
    const first = await start({ appendonly: true });
    await send(first.port, 'SET kept yes');
    await first.stop();
    const second = await start({ appendonly: true });
    expect(await send(second.port, 'GET kept')).toContain('yes');
  });

  it('reports the exit status when the port is taken', async () => {
    const { port } = await start();
    await expect(start({ port })).rejects.toThrow(/the Redis server ended with status 1/);
  });
});

describe('ensureRedisServer', () => {
  const nothing = {
    env: {},
    find: () => undefined,
    canInstall: () => false,
    install: async () => {},
  };

  it('lists how to install a server when none is found', async () => {
    const failure = await ensureRedisServer(nothing).catch((error: Error) => error.message);
    expect(failure).toContain('brew install redis');
    expect(failure).toContain('dnf install valkey');
    expect(failure).toContain('apt-get install redis-server');
    expect(failure).toContain('REDIS_URL');
  });

  it('uses Valkey when there is no Redis', async () => {
    const find = (name: string) => (name === 'valkey-server' ? '/opt/valkey-server' : undefined);
    expect(await ensureRedisServer({ ...nothing, find })).toBe('/opt/valkey-server');
  });

  it('prefers the configured binary, and refuses one that is not executable', async () => {
    const find = () => '/opt/redis-server';
    const env = { UMBRA_REDIS_SERVER: process.execPath };
    expect(await ensureRedisServer({ ...nothing, find, env })).toBe(process.execPath);
    const wrong = { UMBRA_REDIS_SERVER: dir };
    await expect(ensureRedisServer({ ...nothing, find, env: wrong })).rejects.toThrow(
      /not an executable file/,
    );
  });

  it('installs a server if that is possible', async () => {
    let installed = false;
    const server = await ensureRedisServer({
      ...nothing,
      canInstall: () => true,
      install: async () => {
        installed = true;
      },
      find: () => (installed ? '/usr/bin/redis-server' : undefined),
    });
    expect(server).toBe('/usr/bin/redis-server');
  });

  it('includes the reason when the installation fails', async () => {
    const failure = await ensureRedisServer({
      ...nothing,
      canInstall: () => true,
      install: async () => {
        throw new Error('no network');
      },
    }).catch((error: Error) => error.message);
    expect(failure).toContain('apt-get install redis-server');
    expect(failure).toContain('no network');
  });
});
