import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import type { Logger } from '@umbra/platform/telemetry/logger';
import express from 'express';
import { expect, test } from 'vitest';
import { problemHandler } from './problems.js';

test('what breaks off with a client that left is no error of the service', async () => {
  const logged: [string, unknown][] = [];
  const note = (level: string) => (fields: unknown) => void logged.push([level, fields]);
  const logger = { info: note('info'), warn: note('warn'), error: note('error') };
  let begun: () => void = () => undefined;
  const began = new Promise<void>((resolve) => {
    begun = resolve;
  });
  const ended = new Promise<void>((resolve) => {
    const app = express();
    app.get('/', async (_request, response) => {
      begun();
      await once(response, 'close');
      setImmediate(resolve);
      throw new Error('aborted');
    });
    app.get('/fault', () => {
      throw new Error('a bug');
    });
    app.use(problemHandler(logger as unknown as Logger));
    server.on('request', app);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const socket = connect(port, '127.0.0.1');
  socket.write('GET / HTTP/1.1\r\nHost: umbra\r\n\r\n');
  await began;
  socket.destroy();
  await ended;
  expect(logged).toEqual([['info', { path: '/', reason: 'aborted' }]]);
  const response = await fetch(`http://127.0.0.1:${port}/fault`);
  expect(response.status).toBe(500);
  expect(logged.map(([level]) => level)).toEqual(['info', 'error']);
  server.close();
});

const server = createServer();
