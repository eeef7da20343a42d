import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { readConfig } from '@umbra/platform/config';
import type { JobRecord } from '@umbra/shared/contracts/job';
import express from 'express';
import { Registry } from 'prom-client';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { apiConfig } from '../config.js';
import { openSignal } from '../http/request-signal.js';
import { type ApiTurns, createApiTurns } from '../http/turns.js';
import type { Session } from './database.js';
import { type ExportServices, exportRows } from './export-rows.js';
import type { OpenIndex } from './job-indexes.js';
import { parseSorting } from './sorting.js';

let folder: string;
let server: Server;
let turns: ApiTurns;
let url: string;
/** Lets the table be written. */
let write: () => void;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'umbra-export-'));
  const config = readConfig(apiConfig, { REDIS_URL: 'redis://127.0.0.1:1' });
  turns = createApiTurns(config, new Registry());
  const written = new Promise<void>((resolve) => {
    write = resolve;
  });
  const session = {
    async run(sql: string) {
      await writeFile(/ TO '([^']+)' /.exec(sql)?.[1] ?? '', 'a table');
    },
  } as Session;
  const index: OpenIndex = {
    ...{ folder, table: 'job1.rows' },
    async within(signal, work) {
      const ended = new Promise<never>((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      });
      const done = await work(session);
      await Promise.race([written, ended]);
      return done;
    },
  };
  const rowIndexes = {
    use: (_caller: unknown, _job: unknown, work: (index: OpenIndex) => Promise<string>) =>
      work(index),
  } as unknown as ExportServices['rowIndexes'];
  const job = { id: 'job_1' } as JobRecord;
  const query = {
    ...{ conditions: [], sorting: parseSorting('index'), form: 'csv' as const },
  };
  const app = express().get('/', async (request, response) => {
    const signal = openSignal(request, response, { idleMs: 10_000, minBytesPerSecond: 1 });
    const exchange = { request, response, signal, tenant: 'acme' } as never;
    await exportRows({ rowIndexes, turns, config }, job, query, exchange);
  });
  server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
});
afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await rm(folder, { recursive: true, force: true });
});

const files = () => readdir(join(folder, 'exports'));

test('a table that is written soon has its length', async () => {
  write();
  const answer = await fetch(url);
  expect(answer.headers.get('content-length')).toBe('7');
  expect(answer.headers.get('content-disposition')).toBe('attachment; filename=job_1.csv');
  expect(await answer.text()).toBe('a table');
  await vi.waitFor(async () => expect(await files()).toEqual([]));
});

test('a table that takes longer begins to be sent before it is written', async () => {
  // Resolves with the headers.
  const answer = await fetch(url);
  expect(await files()).toHaveLength(1);
  expect(answer.headers.get('content-length')).toBeNull();
  expect(answer.headers.get('content-disposition')).toBe('attachment; filename=job_1.csv');
  expect(answer.headers.get('content-type')).toBe('text/csv; charset=utf-8');
  write();
  expect(await answer.text()).toBe('a table');
});

test('a client to which a cut-off answer looks whole gets the length, however long it takes', async () => {
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  socket.write('GET / HTTP/1.0\r\n\r\n');
  const received = text(socket);
  await vi.waitFor(async () => expect(await files()).toHaveLength(1));
  await sleep(1_200);
  expect(socket.bytesRead).toBe(0);
  write();
  expect(await received).toMatch(/\r\ncontent-length: 7\r\n.*\r\n\r\na table$/is);
});

test.each([
  ['before it begins to be sent', false],
  ['after that', true],
])('a client that leaves ends the query, %s', async (_, hasBegun) => {
  const client = new AbortController();
  const asked = fetch(url, { signal: client.signal });
  asked.catch(() => undefined);
  await vi.waitFor(async () => expect(await files()).toHaveLength(1));
  if (hasBegun) await asked;
  expect(turns.exports.held()).toBe(1);
  client.abort();
  await vi.waitFor(() => expect(turns.exports.held()).toBe(0));
  await vi.waitFor(async () => expect(await files()).toEqual([]));
});
